/** The declaration of what is installed, with the reader's rights in it: `GET /api/v1/meta`. */
export interface Meta {
  version: string;
  epoch: number;
  /** The company's, ISO 4217: what an amount without a currency is in. */
  currency: string;
  modules: MetaModule[];
  nav: NavItem[];
}

export interface MetaModule {
  name: string;
  title: string;
  icon: string | null;
  resources: Resource[];
}

export interface NavItem {
  module: string;
  resource: string;
  label: string;
  path: string;
}

export interface Resource {
  name: string;
  plural: string;
  module: string;
  label: string;
  labels: string;
  /** `{name}`: how a record is called, with its fields in braces. */
  title: string;
  icon?: string;
  fields: Record<string, Field>;
  states?: { field: string; moves: Move[] };
  views: { list: string[]; board?: string };
  verbs: Record<Verb, boolean>;
}

export type Verb = 'list' | 'get' | 'create' | 'update' | 'delete' | 'import' | 'export' | 'history' | 'aggregate' | 'bulk';

export type FieldType =
  | 'text'
  | 'email'
  | 'url'
  | 'phone'
  | 'integer'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'choice'
  | 'tags'
  | 'ref'
  | 'user'
  | 'money';

export interface Field {
  type: FieldType;
  label: string;
  required: boolean;
  unique: boolean;
  search: boolean;
  readable: boolean;
  writable: boolean;
  filterable: boolean;
  sortable: boolean;
  max?: number;
  min?: number;
  default?: unknown;
  /** `crm.companies`: what a reference points at. */
  to?: string;
  options?: Option[];
  on_delete?: 'restrict' | 'clear' | 'cascade';
}

export interface Option {
  value: string;
  label: string;
}

export interface Move {
  name: string;
  label: string;
  event: string;
  from: string[];
  to: string;
  allowed: boolean;
}

/** `crm.deals`. */
export const fullName = (r: { module: string; plural: string }) => `${r.module}.${r.plural}`;

/** What is drawn from declarations. The platform's own module has pages of its own in the console. */
export function products(meta: Meta): { modules: MetaModule[]; nav: NavItem[]; resources: Resource[] } {
  const modules = meta.modules.filter((module) => module.name !== 'account');
  return { modules, nav: meta.nav.filter((entry) => entry.module !== 'account'), resources: modules.flatMap((module) => module.resources) };
}

export function findResource(meta: Meta | undefined, module: string, plural: string): Resource | undefined {
  return meta?.modules.find((m) => m.name === module)?.resources.find((r) => r.plural === plural);
}

export function findByFullName(meta: Meta | undefined, name: string | undefined): Resource | undefined {
  const [module, plural] = (name ?? '').split('.');
  return module && plural ? findResource(meta, module, plural) : undefined;
}

/** The fields the reader may see, in declared order. */
export function readableFields(resource: Resource): [string, Field][] {
  return Object.entries(resource.fields).filter(([, field]) => field.readable);
}

/** Fields whose value is an id of something with a title. */
export function expandable(resource: Resource, names?: string[]): string[] {
  return readableFields(resource)
    .filter(([name, field]) => (field.type === 'ref' || field.type === 'user') && (!names || names.includes(name)))
    .map(([name]) => name);
}

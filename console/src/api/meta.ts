import type { components } from './schema';

type Schema = components['schemas']['Meta'];

/** The declaration of what is installed, with the reader's rights in it: `GET /api/v1/meta`. */
export interface Meta extends Omit<Schema, '$defs' | 'modules'> {
  modules: MetaModule[];
}

export interface MetaModule extends Omit<Schema['modules'][number], 'resources'> {
  resources: Resource[];
}

export interface Resource extends Omit<Schema['$defs']['resource'], 'verbs'> {
  verbs: Record<Verb, boolean>;
}

export type Verb = 'list' | 'get' | 'create' | 'update' | 'delete' | 'import' | 'export' | 'history' | 'aggregate' | 'bulk';
export type NavItem = Schema['nav'][number];
export type Field = Schema['$defs']['field'];
export type FieldType = Field['type'];
export type Option = NonNullable<Field['options']>[number];
export type Move = NonNullable<Schema['$defs']['resource']['states']>['moves'][number];

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

import {
  IconActivity,
  IconAddressBook,
  IconBox,
  IconBriefcase,
  IconBuilding,
  IconBusinessplan,
  IconCalendar,
  IconChecklist,
  IconChartBar,
  IconCoin,
  IconFile,
  IconMail,
  IconMapPin,
  IconPackage,
  IconPhone,
  IconShield,
  IconTag,
  IconTargetArrow,
  IconUser,
  IconUsers,
  type Icon,
} from '@tabler/icons-react';
import { createElement } from 'react';

/** The icons a manifest may name. An unknown name gets the box, so that an older console can show a newer module. */
const icons: Record<string, Icon> = {
  activity: IconActivity,
  activities: IconActivity,
  'address-book': IconAddressBook,
  box: IconBox,
  briefcase: IconBriefcase,
  businessplan: IconBusinessplan,
  building: IconBuilding,
  calendar: IconCalendar,
  checklist: IconChecklist,
  'chart-bar': IconChartBar,
  coin: IconCoin,
  companies: IconBuilding,
  crm: IconAddressBook,
  deals: IconTargetArrow,
  file: IconFile,
  mail: IconMail,
  'map-pin': IconMapPin,
  package: IconPackage,
  people: IconUsers,
  phone: IconPhone,
  shield: IconShield,
  tag: IconTag,
  target: IconTargetArrow,
  user: IconUser,
  users: IconUsers,
};

export function NamedIcon(props: { names: (string | null | undefined)[]; size?: number }) {
  const known = props.names.find((name) => typeof name === 'string' && name in icons);
  return createElement((known && icons[known]) || IconBox, { size: props.size ?? 18, stroke: 1.6, 'aria-hidden': true });
}

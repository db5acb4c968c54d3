import { Text, Tooltip } from '@mantine/core';
import { currentLanguage } from '../i18n';
import { useNow } from './useNow';
import { exactTime, relativeTime } from '../resource/values/format';

/** A moment as people say it, exact on hover. */
export function When({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span>–</span>;
  return (
    <Tooltip label={exactTime(at, currentLanguage())}>
      <Text component="time" dateTime={at} inherit span>
        {relativeTime(at, currentLanguage(), now)}
      </Text>
    </Tooltip>
  );
}

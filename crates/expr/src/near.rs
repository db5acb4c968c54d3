/// The known name closest to a misspelt one, if any is close enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let short: String = wrong.chars().take(64).collect();
    let limit = (short.chars().count() / 3).max(1) + 1;
    known.map(|name| (distance(&short, name), name)).filter(|(d, _)| *d <= limit).min().map(|(_, name)| name)
}

/// Letters to insert, remove or replace (Levenshtein), case not counting.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().flat_map(char::to_lowercase).enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = above else { break };
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != *y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["stage", "status", "owner", "amount"];
        assert_eq!(nearest("stge", known.into_iter()), Some("stage"));
        assert_eq!(nearest("Owner", known.into_iter()), Some("owner"));
        assert_eq!(nearest("ammount", known.into_iter()), Some("amount"));
        assert_eq!(nearest("zebra", known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}

/// The one of `known` that is spelled most like `word`, when it is like enough to be meant; of two the first. Case does not count.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = 1 + length / 4;
    // A word needs at least as many edits as it is longer or shorter: what somebody sent in bulk is not measured at all.
    let close = known.into_iter().filter(|k| k.chars().count().abs_diff(length) <= allowed);
    close.map(|k| (distance(word, k), k)).filter(|(d, _)| *d <= allowed).min_by_key(|(d, _)| *d).map(|(_, k)| k)
}

/// Edits (insert, delete, replace, swap neighbours) between two words: optimal string alignment.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| -> Vec<char> { text.chars().flat_map(char::to_lowercase).collect() };
    let (a, b) = (letters(a), letters(b));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("requred", ["type", "required", "unique"]), Some("required"));
        assert_eq!(nearest("nmae", ["type", "name"]), Some("name"));
        assert_eq!(nearest("Owner", ["stage", "owner"]), Some("owner"));
        assert_eq!(nearest("stge", ["status", "stage"]), Some("stage"));
        assert_eq!(nearest("zebra", ["type", "required", "stage"]), None);
        assert_eq!(nearest("id", ["name", "max"]), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abdc", "abcd")), (3, 3, 1));
    }

    #[test]
    fn what_was_sent_in_bulk_is_not_measured() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["name"]), None);
    }
}

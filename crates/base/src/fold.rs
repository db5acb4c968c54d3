use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Text as people compare it: compatibility forms unified, marks dropped, lower case, white space single.
/// `"Société  Générale"` and `"societe generale"` fold to the same. Sorting, uniqueness and import keys use it.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return single_spaces(text.chars().map(|c| c.to_ascii_lowercase()), text.len());
    }
    single_spaces(text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase), text.len())
}

fn single_spaces(chars: impl Iterator<Item = char>, size: usize) -> String {
    let mut out = String::with_capacity(size);
    let mut gap = false;
    for c in chars {
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_case_and_spaces_do_not_count() {
        assert_eq!(fold("  Société\t Générale "), "societe generale");
        assert_eq!(fold("ＡＢＣ"), "abc");
        assert_eq!(fold("Straße"), "straße");
        assert_eq!(fold(""), "");
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in ".{0,40}") {
            let once = fold(&text);
            proptest::prop_assert_eq!(fold(&once), once);
        }
    }
}

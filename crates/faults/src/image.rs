use crate::Random;

/// What a power cut leaves of writes that were not synced yet. What was synced is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// None of them.
    Nothing,
    /// Some sectors of each, and some of these only half.
    Torn,
    /// All up to some moment, and none after it.
    Prefix,
    /// Some of them, whichever the disk had come to first.
    Reordered,
}

impl Cut {
    pub const ALL: [Cut; 4] = [Cut::Nothing, Cut::Torn, Cut::Prefix, Cut::Reordered];
}

/// Something that was done to a file.
#[derive(Debug, Clone)]
pub enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
    Remove,
}

/// A file as the disk has it: what is durable, and what was done to it since, each with its place in the order of all files.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Nothing where the name itself is not durable.
    pub durable: Option<Vec<u8>>,
    pub pending: Vec<(u64, Change)>,
}

impl Image {
    /// From now on everything that was done is durable.
    pub fn sync(&mut self) {
        self.durable.get_or_insert_default();
        for (_, change) in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &change);
        }
    }

    /// What is left of it when the power goes. `moment` is the end of [`Cut::Prefix`].
    pub fn survivor(&self, cut: Cut, moment: u64, random: &mut Random) -> Option<Vec<u8>> {
        let mut left = self.durable.clone();
        let mut pending = self.pending.clone();
        match cut {
            Cut::Nothing => pending.clear(),
            Cut::Prefix => pending.retain(|(n, _)| *n <= moment),
            Cut::Reordered => {
                pending.retain(|_| random.coin());
                random.shuffle(&mut pending);
            }
            Cut::Torn => {
                let sector = if random.coin() { 512 } else { 4096 };
                pending = pending.into_iter().flat_map(|(n, change)| torn(change, sector, random).into_iter().map(move |c| (n, c))).collect();
            }
        }
        for (_, change) in &pending {
            apply(&mut left, change);
        }
        left
    }
}

/// The sectors of a write that got through.
fn torn(change: Change, sector: usize, random: &mut Random) -> Vec<Change> {
    let Change::Write { at, bytes } = change else { return if random.coin() { vec![change] } else { Vec::new() } };
    let (mut kept, mut at, mut rest) = (Vec::new(), at, bytes.as_slice());
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.len().min(sector - at % sector));
        match random.below(8) {
            0..=2 => kept.push(Change::Write { at, bytes: piece.to_vec() }),
            3 => kept.push(Change::Write { at, bytes: piece.split_at(piece.len() / 2).0.to_vec() }),
            _ => {}
        }
        (at, rest) = (at + piece.len(), behind);
    }
    kept
}

pub fn apply(file: &mut Option<Vec<u8>>, change: &Change) {
    match change {
        Change::Remove => *file = None,
        Change::Truncate(length) => file.get_or_insert_default().truncate(*length),
        Change::Write { at, bytes } => {
            let file = file.get_or_insert_default();
            let end = at + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            if let Some(place) = file.get_mut(*at..end) {
                place.copy_from_slice(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(n: u64, at: usize, bytes: &[u8]) -> (u64, Change) {
        (n, Change::Write { at, bytes: bytes.to_vec() })
    }

    #[test]
    fn what_was_synced_survives_and_the_rest_as_the_cut_has_it() {
        let mut image = Image { durable: None, pending: vec![write(1, 0, b"aaaa"), write(2, 4, b"bbbb")] };
        assert_eq!(image.survivor(Cut::Nothing, 0, &mut Random::new(1)), None, "the name itself was not durable");
        image.sync();
        image.pending = vec![write(3, 2, b"cc"), (4, Change::Truncate(6)), write(5, 10, b"d")];
        let left = |cut, moment| image.survivor(cut, moment, &mut Random::new(1)).unwrap();
        assert_eq!(left(Cut::Nothing, 0), b"aaaabbbb");
        assert_eq!(left(Cut::Prefix, 3), b"aaccbbbb");
        assert_eq!(left(Cut::Prefix, 4), b"aaccbb");
        assert_eq!(left(Cut::Prefix, 5), b"aaccbb\0\0\0\0d");
        for seed in 0..50 {
            for cut in Cut::ALL {
                let once = image.survivor(cut, 4, &mut Random::new(seed));
                assert_eq!(once, image.survivor(cut, 4, &mut Random::new(seed)), "the same seed, the same disk");
                assert!(once.unwrap().starts_with(b"aa"), "what was durable and not written again stays");
            }
        }
    }

    #[test]
    fn a_torn_page_has_old_and_new_sectors() {
        let image = Image { durable: Some(vec![b'o'; 8192]), pending: vec![write(1, 0, &[b'n'; 8192])] };
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let left = image.survivor(Cut::Torn, 0, &mut Random::new(seed)).unwrap();
            assert_eq!(left.len(), 8192);
            kinds.extend(left.chunks(512).map(|sector| (sector.contains(&b'o'), sector.contains(&b'n'))));
        }
        assert_eq!(kinds.len(), 3, "old, new and half");
    }
}

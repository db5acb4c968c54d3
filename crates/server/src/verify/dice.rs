use base::{Error, Result};

/// Chance, for loads that no two runs share. Nothing secret comes from it.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Result<Dice> {
        let mut seed = [0u8; 8];
        getrandom::fill(&mut seed).map_err(Error::internal)?;
        Ok(Dice(u64::from_le_bytes(seed)))
    }
    /// A number below `end`; 0 where that is 0. SplitMix64 (Steele, Lea, Flood 2014).
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(end).unwrap_or_default()
    }
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(usize::try_from(self.below(all.len() as u64)).unwrap_or_default())
    }
}

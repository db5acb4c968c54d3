use super::Plan;

/// Portable DDL that makes the tables of `plans` in their order.
pub fn install(_plans: &[&Plan]) -> Vec<String> {
    Vec::new()
}

/// Portable DDL that drops them again, last first.
pub fn purge(_plans: &[&Plan]) -> Vec<String> {
    Vec::new()
}

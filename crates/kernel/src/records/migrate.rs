use super::Plan;
use base::{Result, Time};

/// What has to happen to a silo so that its tables fit the plan.
#[derive(Debug, Default)]
pub struct Migration {
    pub ddl: Vec<String>,
}

impl Migration {
    pub fn is_empty(&self) -> bool {
        self.ddl.is_empty()
    }
    /// Carries it out.
    pub fn run(&self, _tx: &mut silo::Tx<'_>, _now: Time) -> Result<()> {
        Ok(())
    }
}

impl Plan {
    /// What its tables look like, to be kept in the silo's `modules` row and given to `migrate` of a later version.
    pub fn columns(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
    /// The way from `old` (an earlier `columns`; null: no table yet) to this plan. Refuses what would lose or narrow data.
    pub fn migrate(&self, _old: &serde_json::Value) -> Result<Migration> {
        Ok(Migration::default())
    }
}

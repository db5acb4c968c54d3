use super::{Field, Kind, Plan, Query, Scope, Shown, json::Raw, list::Where, plan::quote, write::write_money};
use crate::json::{number, string};
use base::{Error, Fault, Result, nearest};
use std::collections::HashMap;

/// `{filter, group_by, count, sum, min, max}`, checked.
#[derive(Debug, Clone, Default)]
pub struct Aggregate {
    pub filter: Option<expr::Expr>,
    pub group_by: Vec<usize>,
    pub count: bool,
    pub sum: Vec<usize>,
    pub min: Vec<usize>,
    pub max: Vec<usize>,
}

const MOST_GROUPS: usize = 1000;
const PARTS: [&str; 6] = ["filter", "group_by", "count", "sum", "min", "max"];

impl Aggregate {
    /// Reads the body of `:aggregate`. Nothing asked means the count. Fields that are not `shown` do not exist here.
    pub fn parse(plan: &Plan, body: &[u8], shown: &Shown) -> Result<Aggregate> {
        let mut what = Aggregate { count: true, ..Aggregate::default() };
        let mut faults = Vec::new();
        let mut given: Vec<String> = Vec::new();
        for (name, raw) in Raw::object(body)? {
            if given.iter().any(|g| *g == name) {
                faults.push(Fault::new(name, "duplicate", "This stands here twice."));
                continue;
            }
            if let Err(fault) = what.take(plan, &name, raw, shown) {
                faults.push(fault);
            }
            given.push(name.into_owned());
        }
        if faults.is_empty() { Ok(what) } else { Err(Error::invalid(faults)) }
    }
    fn take(&mut self, plan: &Plan, name: &str, raw: Raw<'_>, shown: &Shown) -> Result<(), Fault> {
        match (name, raw) {
            ("filter", Raw::Text(text)) => self.filter = Some(plan.filter(&text, shown)?),
            ("filter" | "group_by" | "sum" | "min" | "max", Raw::Null) => {}
            ("count", Raw::Bool(count)) => self.count = count,
            ("group_by", Raw::List(names)) => self.group_by = plan.slots_of(name, names, shown, |k| !matches!(k, Kind::Tags { .. } | Kind::Money))?,
            ("sum", Raw::List(names)) => self.sum = plan.slots_of(name, names, shown, |k| matches!(k, Kind::Integer { .. } | Kind::Money))?,
            ("min", Raw::List(names)) => self.min = plan.slots_of(name, names, shown, has_extremes)?,
            ("max", Raw::List(names)) => self.max = plan.slots_of(name, names, shown, has_extremes)?,
            (known, raw) if PARTS.contains(&known) => return Err(Fault::new(name, "type", format!("Not {}.", raw.kind()))),
            (other, _) => {
                let hint = nearest(other, PARTS).map_or_else(|| format!("Known: {}.", PARTS.join(", ")), |near| format!("Did you mean {near}?"));
                return Err(Fault::new(super::accept::cut(other), "unknown", hint));
            }
        }
        Ok(())
    }
}

fn has_extremes(kind: &Kind) -> bool {
    matches!(kind, Kind::Integer { .. } | Kind::Money | Kind::Date | Kind::Datetime)
}

/// Per group what is summed and compared, already as JSON.
#[derive(Default)]
struct Group {
    count: i64,
    /// `"amount":..` by function, in the order asked.
    members: HashMap<(&'static str, usize), Vec<u8>>,
}

impl Plan {
    /// Counts and sums; returns `{"items": [{"group", "count", "sum", "min", "max"}]}`. Money is a list of one amount per currency.
    /// More than 1 000 groups are refused.
    pub fn aggregate(&self, tx: &mut silo::Tx<'_>, what: &Aggregate, scope: &Scope<'_>) -> Result<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut groups: HashMap<Vec<u8>, Group> = HashMap::new();
        self.plain_figures(tx, what, scope, &mut names, &mut groups)?;
        for slot in 0..self.fields.len() {
            let asked = [&what.sum, &what.min, &what.max].into_iter().any(|slots| slots.contains(&slot));
            if asked && self.field(slot).is_some_and(|f| f.kind == Kind::Money) {
                self.money_figures(tx, slot, what, scope, &mut groups)?;
            }
        }
        let mut out = b"{\"items\":[".to_vec();
        for (n, name) in names.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.write_group(name, groups.get(name), what, &mut out);
        }
        out.extend_from_slice(b"]}");
        Ok(out)
    }

    /// Count and everything that is one figure per group.
    fn plain_figures(
        &self,
        tx: &mut silo::Tx<'_>,
        what: &Aggregate,
        scope: &Scope<'_>,
        names: &mut Vec<Vec<u8>>,
        groups: &mut HashMap<Vec<u8>, Group>,
    ) -> Result<()> {
        let figures: Vec<(&'static str, usize, &Field)> = [("sum", &what.sum), ("min", &what.min), ("max", &what.max)]
            .into_iter()
            .flat_map(|(function, slots)| slots.iter().map(move |slot| (function, *slot)))
            .filter_map(|(function, slot)| Some((function, slot, self.field(slot).filter(|f| f.kind != Kind::Money)?)))
            .collect();
        let columns = self.group_columns(&what.group_by);
        let mut select: Vec<String> = columns.clone();
        select.push("COUNT(*)".to_owned());
        select.extend(figures.iter().map(|(function, _, field)| match *function {
            "sum" => format!("CAST(COALESCE(SUM({}), 0) AS BIGINT)", quote(&field.name)),
            function => format!("{}({})", function.to_uppercase(), quote(&field.name)),
        }));
        let rest = format!("{} LIMIT {}", grouping(&columns), MOST_GROUPS + 1);
        let statement = self.figures(what, scope, None, &select.join(", "), &rest);
        tx.each(&statement.sql, &statement.params, |row| {
            let name = self.group_name(row, &what.group_by)?;
            let mut group = Group { count: row.int(columns.len())?, ..Group::default() };
            for (n, (function, slot, field)) in figures.iter().enumerate() {
                let mut value = Vec::new();
                field.write_column(row, columns.len() + 1 + n, &mut value)?;
                group.members.insert((*function, *slot), value);
            }
            names.push(name.clone());
            groups.insert(name, group);
            Ok(())
        })?;
        match names.len() > MOST_GROUPS {
            true => Err(Error::fault("group_by", "too-many-groups", format!("This makes more than {MOST_GROUPS} groups. Filter, or group by less."))),
            false => Ok(()),
        }
    }
    /// The figures of one money field: per group one amount for each currency.
    fn money_figures(
        &self,
        tx: &mut silo::Tx<'_>,
        slot: usize,
        what: &Aggregate,
        scope: &Scope<'_>,
        groups: &mut HashMap<Vec<u8>, Group>,
    ) -> Result<()> {
        let (minor, currency) = (quote(&format!("{}_minor", self.name_of(slot))), quote(&format!("{}_currency", self.name_of(slot))));
        let mut columns = self.group_columns(&what.group_by);
        let first = columns.len();
        columns.push(currency);
        let select = format!("{}, CAST(SUM({minor}) AS BIGINT), MIN({minor}), MAX({minor})", columns.join(", "));
        let statement = self.figures(what, scope, Some(&format!("{minor} IS NOT NULL")), &select, &grouping(&columns));
        tx.each(&statement.sql, &statement.params, |row| {
            let Some(group) = groups.get_mut(&self.group_name(row, &what.group_by)?) else { return Ok(()) };
            for (n, (function, asked)) in [("sum", &what.sum), ("min", &what.min), ("max", &what.max)].into_iter().enumerate() {
                if asked.contains(&slot) {
                    let amounts = group.members.entry((function, slot)).or_default();
                    amounts.push(if amounts.is_empty() { b'[' } else { b',' });
                    write_money(row.int(first + 1 + n)?, row.text(first)?, amounts);
                }
            }
            Ok(())
        })
    }
    fn figures(&self, what: &Aggregate, scope: &Scope<'_>, and: Option<&str>, select: &str, rest: &str) -> super::Statement<'static> {
        let mut find = Where::of(&Query { filter: what.filter.clone(), ..Query::default() }, scope, None);
        if let Some(and) = and {
            find.and(and);
        }
        find.statement(select, &self.quoted(), rest)
    }
    fn group_columns(&self, group_by: &[usize]) -> Vec<String> {
        group_by.iter().map(|slot| quote(self.name_of(*slot))).collect()
    }
    /// `{"stage":"won"}`: what a group is called in the answer, and its key while figures are collected.
    fn group_name(&self, row: &silo::Row<'_>, group_by: &[usize]) -> Result<Vec<u8>> {
        let mut out = b"{".to_vec();
        for (n, field) in group_by.iter().filter_map(|slot| self.field(*slot)).enumerate() {
            out.extend_from_slice(field.json.get(usize::from(n == 0)..).unwrap_or_default());
            field.write_column(row, n, &mut out)?;
        }
        out.push(b'}');
        Ok(out)
    }
    fn write_group(&self, name: &[u8], group: Option<&Group>, what: &Aggregate, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"group\":");
        out.extend_from_slice(name);
        let Some(group) = group else { return out.push(b'}') };
        if what.count {
            out.extend_from_slice(b",\"count\":");
            number(group.count, out);
        }
        for (function, slots) in [("sum", &what.sum), ("min", &what.min), ("max", &what.max)] {
            if slots.is_empty() {
                continue;
            }
            out.extend_from_slice(format!(",\"{function}\":{{").as_bytes());
            for (n, slot) in slots.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                string(self.name_of(*slot), out);
                out.push(b':');
                match (group.members.get(&(function, *slot)), self.field(*slot).map(|f| &f.kind)) {
                    (Some(amounts), Some(Kind::Money)) => {
                        out.extend_from_slice(amounts);
                        out.push(b']');
                    }
                    (None, Some(Kind::Money)) => out.extend_from_slice(b"[]"),
                    (Some(value), _) => out.extend_from_slice(value),
                    (None, _) => out.extend_from_slice(b"null"),
                }
            }
            out.push(b'}');
        }
        out.push(b'}');
    }
    fn slots_of(&self, at: &str, names: Vec<Raw<'_>>, shown: &Shown, fits: impl Fn(&Kind) -> bool) -> Result<Vec<usize>, Fault> {
        let mut slots = Vec::new();
        for name in names {
            let Raw::Text(name) = name else { return Err(Fault::new(at, "type", "Give the names of fields.")) };
            let slot = self.known(at, &name, shown)?;
            match self.field(slot) {
                Some(field) if !fits(&field.kind) => {
                    return Err(Fault::new(at, "type", format!("{name} is of type {}, which {at} does not take.", field.kind.name())));
                }
                _ if slots.contains(&slot) => {}
                _ => slots.push(slot),
            }
        }
        if slots.len() > 8 { Err(Fault::new(at, "too-many", "At most eight fields.")) } else { Ok(slots) }
    }
}

fn grouping(columns: &[String]) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let order: Vec<String> = columns.iter().map(|c| format!("{c} ASC NULLS FIRST")).collect();
    format!(" GROUP BY {} ORDER BY {}", columns.join(", "), order.join(", "))
}

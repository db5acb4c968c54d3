use super::{Cell, Default, Field, Kind, Move, Plan, States, Values, accept::cut, json::Raw};
use base::{Error, Fault, Result, nearest};

/// Who writes, and what the writing may touch.
pub struct Entry<'a> {
    pub who: &'a expr::Actor,
    /// What a bare number in a money field is counted in: the tenant's currency.
    pub currency: &'a str,
    /// Whether a state field may be set freely: for create and import by somebody who holds `:import`, never for an update.
    pub states: bool,
    /// By slot, the fields this person may not write. Empty: all may be written.
    pub locked: &'a [bool],
}

/// So many faults are told at once; a body of nothing but mistakes need not be answered in full.
const TOLD: usize = 50;

impl Plan {
    /// Reads the body of a create: a new record with defaults and a new id. All faults at once.
    ///
    /// A bare number in a money field is the amount in major units (`12.5` is 12.50) of the tenant's currency, as in CSV.
    pub fn read(&self, body: &[u8], entry: &Entry<'_>) -> Result<Values> {
        let mut faults = Vec::new();
        let cells = self.cells(body, entry, &mut faults)?;
        self.fill(cells, entry, faults)
    }
    /// Applies a JSON merge patch (RFC 7396): null clears, what is not named stays. Returns the slots that really changed.
    /// The state field may be named only with the state it is in.
    pub fn merge(&self, body: &[u8], entry: &Entry<'_>, values: &mut Values) -> Result<Vec<usize>> {
        let mut faults = Vec::new();
        let cells = self.cells(body, entry, &mut faults)?;
        self.apply(cells, entry, faults, values)
    }
    /// The same as `read` from cells that were read already, such as those of a CSV row.
    pub fn enter(&self, cells: Vec<(usize, Cell)>, entry: &Entry<'_>) -> Result<Values> {
        self.fill(cells, entry, Vec::new())
    }
    /// The same as `merge` from cells that were read already.
    pub fn patch(&self, cells: Vec<(usize, Cell)>, entry: &Entry<'_>, values: &mut Values) -> Result<Vec<usize>> {
        self.apply(cells, entry, Vec::new(), values)
    }
    /// Takes a record through a declared move, or says why it cannot go. An unknown move is not found.
    pub fn go(&self, name: &str, values: &mut Values, who: &expr::Actor) -> Result<&Move> {
        let states = self.states.as_ref().ok_or_else(Error::not_found)?;
        let go = states.moves.iter().find(|m| m.name == name).ok_or_else(Error::not_found)?;
        let now = values.cell(states.slot).text().unwrap_or_default();
        if !go.from.iter().any(|from| from == now) {
            let open: Vec<&str> = states.moves.iter().filter(|m| m.from.iter().any(|f| f == now)).map(|m| m.name.as_str()).collect();
            let detail = format!("{name} is possible from {}; this is {now}.", go.from.join(", "));
            return Err(Error::conflict("state", detail).with_more(serde_json::json!({"state": now, "moves": open})));
        }
        if let Some(when) = go.when.as_ref().filter(|when| !when.holds(values, who)) {
            return Err(Error::conflict("move", format!("{name} needs: {}", when.text())));
        }
        values.set(states.slot, Cell::Text(go.to.clone()));
        Ok(go)
    }

    /// The members of a JSON object as cells by slot.
    fn cells(&self, body: &[u8], entry: &Entry<'_>, faults: &mut Vec<Fault>) -> Result<Vec<(usize, Cell)>> {
        let members = Raw::object(body)?;
        let mut given = vec![false; self.fields.len()];
        let mut cells = Vec::with_capacity(members.len());
        for (name, raw) in members {
            if faults.len() == TOLD {
                break;
            }
            let Some((slot, field)) = self.slot(&name).and_then(|slot| Some((slot, self.field(slot)?))) else {
                faults.push(self.unknown(&name));
                continue;
            };
            match given.get_mut(slot) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => {
                    faults.push(field.fault("duplicate", "This stands here twice."));
                    continue;
                }
            }
            match field.accept(raw, entry.currency) {
                Ok(cell) => cells.push((slot, cell)),
                Err(fault) => faults.push(fault),
            }
        }
        Ok(cells)
    }
    fn fill(&self, cells: Vec<(usize, Cell)>, entry: &Entry<'_>, mut faults: Vec<Fault>) -> Result<Values> {
        let mut values = Values::new(self, entry.who);
        for (slot, field) in self.fields.iter().enumerate() {
            values.set(slot, field.start(entry.who));
        }
        for (slot, cell) in cells {
            if cell == *values.cell(slot) || cell.is_null() && self.is_state(slot) {
                continue;
            }
            self.may_write(slot, entry)?;
            if let Some(states) = self.states.as_ref().filter(|s| s.slot == slot && !entry.states) {
                faults.push(self.moves_only(states));
            }
            values.set(slot, cell);
        }
        // What could not be read was told already; that it is missing as well would be no news.
        let told: Vec<String> = faults.iter().map(|f| f.field.split('.').next().unwrap_or_default().to_owned()).collect();
        let missing = |(slot, field): &(usize, &Field)| field.required && values.cell(*slot).is_empty() && !told.contains(&field.name);
        faults.extend(self.fields.iter().enumerate().filter(missing).map(|(_, field)| field.missing()));
        if faults.is_empty() { Ok(values) } else { Err(Error::invalid(faults)) }
    }
    fn apply(&self, cells: Vec<(usize, Cell)>, entry: &Entry<'_>, mut faults: Vec<Fault>, values: &mut Values) -> Result<Vec<usize>> {
        let mut changed = Vec::with_capacity(cells.len());
        for (slot, cell) in cells {
            if cell == *values.cell(slot) {
                continue;
            }
            self.may_write(slot, entry)?;
            match self.field(slot) {
                Some(field) if field.required && cell.is_empty() => faults.push(field.missing()),
                Some(_) | None => match self.states.as_ref().filter(|s| s.slot == slot && !entry.states) {
                    Some(states) => faults.push(self.moves_only(states)),
                    None => changed.push((slot, cell)),
                },
            }
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        Ok(changed.into_iter().filter_map(|(slot, cell)| values.set(slot, cell).then_some(slot)).collect())
    }
    fn is_state(&self, slot: usize) -> bool {
        self.states.as_ref().is_some_and(|s| s.slot == slot)
    }
    fn may_write(&self, slot: usize, entry: &Entry<'_>) -> Result<()> {
        match (entry.locked.get(slot), self.field(slot)) {
            (Some(true), Some(field)) => Err(Error::denied(format!("You may not write {}.", field.name))),
            _ => Ok(()),
        }
    }
    fn moves_only(&self, states: &States) -> Fault {
        let moves: Vec<&str> = states.moves.iter().map(|m| m.name.as_str()).collect();
        Fault::new(self.name_of(states.slot), "state", format!("This changes only by a move: {}.", moves.join(", ")))
    }
    fn unknown(&self, name: &str) -> Fault {
        let message = match nearest(name, self.fields.iter().map(|f| f.name.as_str())) {
            _ if super::SYSTEM.contains(&name) => "This is kept by the system and cannot be set.".to_owned(),
            Some(near) => format!("There is no such field. Did you mean {near}?"),
            None => "There is no such field.".to_owned(),
        };
        Fault::new(cut(name), "unknown", message)
    }
}

impl Field {
    /// What it holds in a new record before anything is given.
    fn start(&self, who: &expr::Actor) -> Cell {
        match (&self.default, &self.kind) {
            (Some(Default::Cell(cell)), _) => cell.clone(),
            (Some(Default::Actor), _) if !who.id.is_empty() => Cell::Text(who.id.clone()),
            (Some(Default::Now), Kind::Datetime) => Cell::Int(who.now.0),
            (Some(Default::Now), _) => Cell::Text(who.now.to_string().chars().take(10).collect()),
            (Some(Default::Actor) | None, _) => self.empty(),
        }
    }
    /// What stands for nothing: null, or no tags.
    pub(super) fn empty(&self) -> Cell {
        match self.kind {
            Kind::Tags { .. } => Cell::Tags(Vec::new()),
            _ => Cell::Null,
        }
    }
    fn missing(&self) -> Fault {
        self.fault("required", "This must be given.")
    }
}

impl Cell {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Cell::Null => true,
            Cell::Tags(tags) => tags.is_empty(),
            Cell::Bool(_) | Cell::Int(_) | Cell::Text(_) | Cell::Money { .. } => false,
        }
    }
}

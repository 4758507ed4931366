//! The state of every counter, in bounded memory that forgets nothing which is used up.
//!
//! # The contract
//!
//! * A counter is named by its action and its subject; its state is two times ([`CounterState`]).
//!   Whatever keeps the states only has to load and store them, all subjects of one action at once
//!   ([`Counters::of`]). A database can do that as well.
//! * Each action has a table of its own, so junk keys of one action cannot push out the counters of
//!   another.
//! * A table keeps [`MOST`] states exactly. When it is full, idle states go first. Then the half
//!   that would be idle first moves into [`Shared`]: cells that several subjects share, where each
//!   state only ever raises its cells.
//! * A subject without a state of its own begins with what its cells say. That is never less than
//!   what it used up before: a full table makes visitors wait, and never gives an allowance back
//!   (S109).
//! * Subjects are kept as keyed hashes, so nobody can choose whom they share a cell with.
//!
//! # Memory
//!
//! A table takes 0.8 MB when it is full, and its cells 0.5 MB from then on: 1.3 MB an action, 40 MB
//! should all of thirty actions be flooded at once. Moving half a table takes less than a
//! millisecond, once in 14,000 new subjects.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use super::LimitedAction;

/// States that a table keeps exactly: what a hash map of 32,768 places takes.
const MOST: usize = 28_000;

/// Rows of shared cells. A subject begins too high only where all of its cells are shared with
/// others.
const ROWS: usize = 4;

/// Cells in a row.
const CELLS: usize = 8192;

/// A clock that goes back by less is one that is kept right, or a request that overtook another:
/// some wait for a hash and for the database in between. In milliseconds.
const CLOCK_STEP: i64 = 60_000;

/// State of one counter, in epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CounterState {
    /// When nothing will be used up any more.
    pub(super) idle_at: i64,
    /// Before that nothing may be tried; only where the wait grows.
    pub(super) next_at: i64,
}

impl CounterState {
    /// Nothing is used up.
    pub(super) const IDLE: Self = Self { idle_at: i64::MIN, next_at: i64::MIN };

    fn is_idle(self, now: i64) -> bool {
        self.idle_at <= now && self.next_at <= now
    }

    /// Both times, each the later of the two.
    fn raised_to(self, other: Self) -> Self {
        Self { idle_at: self.idle_at.max(other.idle_at), next_at: self.next_at.max(other.next_at) }
    }

    /// Both times, each the earlier of the two.
    fn lowered_to(self, other: Self) -> Self {
        Self { idle_at: self.idle_at.min(other.idle_at), next_at: self.next_at.min(other.next_at) }
    }

    fn moved_back(self, by: i64) -> Self {
        Self { idle_at: self.idle_at.saturating_sub(by), next_at: self.next_at.saturating_sub(by) }
    }
}

/// All counters of this process.
#[derive(Default)]
pub(super) struct Counters {
    hasher: RandomState,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    of: HashMap<LimitedAction, Table>,
    /// The latest time that was seen, in epoch milliseconds.
    seen_at: i64,
}

/// The counters of one action, while nobody else changes them.
pub(super) struct ActionCounters<'a> {
    hasher: &'a RandomState,
    table: &'a mut Table,
    pub(super) now: i64,
}

impl Counters {
    /// Reads and writes counters of one action, as one step. Without a time, at the latest one that
    /// was seen.
    pub(super) fn of<T>(
        &self,
        action: LimitedAction,
        now: Option<i64>,
        change: impl FnOnce(&mut ActionCounters<'_>) -> T,
    ) -> T {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.unwrap_or(tables.seen_at);
        tables.watch_clock(now);
        let table = tables.of.entry(action).or_default();
        change(&mut ActionCounters { hasher: &self.hasher, table, now })
    }
}

impl ActionCounters<'_> {
    pub(super) fn load(&self, subject: &str) -> CounterState {
        let key = self.key(subject);
        let shared =
            || self.table.shared.as_ref().map_or(CounterState::IDLE, |shared| shared.read(key));
        self.table.exact.get(&key).copied().unwrap_or_else(shared)
    }

    pub(super) fn store(&mut self, subject: &str, state: CounterState) {
        let key = self.key(subject);
        self.table.make_room(self.now);
        self.table.exact.insert(key, state);
    }

    fn key(&self, subject: &str) -> u64 {
        self.hasher.hash_one(subject)
    }
}

impl Tables {
    /// Moves everything along when the clock was set back, so that nobody waits for the former
    /// time: each allowance is what it was a moment ago (R15).
    fn watch_clock(&mut self, now: i64) {
        let back = self.seen_at.saturating_sub(now);
        if back > CLOCK_STEP {
            for state in self.of.values_mut().flat_map(Table::states) {
                *state = state.moved_back(back);
            }
            self.seen_at = now;
        }
        self.seen_at = self.seen_at.max(now);
    }
}

/// The counters of one action.
#[derive(Default)]
struct Table {
    exact: HashMap<u64, CounterState>,
    /// Made when the exact states first had no room.
    shared: Option<Shared>,
}

impl Table {
    /// Drops the idle states of a full table, and moves the half that would be idle first into the
    /// shared cells.
    fn make_room(&mut self, now: i64) {
        if self.exact.len() < MOST {
            return;
        }
        // Into a new map: one that many keys were removed from may grow to twice the size.
        let full = std::mem::replace(&mut self.exact, HashMap::with_capacity(MOST));
        let mut used: Vec<(u64, CounterState)> =
            full.into_iter().filter(|(_, state)| !state.is_idle(now)).collect();
        let leaving = if used.len() > MOST / 2 { used.len() / 2 } else { 0 };
        if leaving > 0 {
            used.select_nth_unstable_by_key(leaving, |(_, state)| state.idle_at);
            let shared = self.shared.get_or_insert_with(Shared::new);
            used.iter().take(leaving).for_each(|(key, state)| shared.raise(*key, *state));
        }
        self.exact.extend(used.into_iter().skip(leaving));
    }

    fn states(&mut self) -> impl Iterator<Item = &mut CounterState> {
        self.exact.values_mut().chain(self.shared.iter_mut().flat_map(|shared| &mut shared.cells))
    }
}

/// Cells that subjects share: a count-min sketch of states, which never says less than what was
/// written.
struct Shared {
    cells: Vec<CounterState>,
}

impl Shared {
    fn new() -> Self {
        Self { cells: vec![CounterState::IDLE; ROWS * CELLS] }
    }

    fn read(&self, key: u64) -> CounterState {
        let all = CounterState { idle_at: i64::MAX, next_at: i64::MAX };
        places(key)
            .filter_map(|place| self.cells.get(place))
            .fold(all, |state, cell| state.lowered_to(*cell))
    }

    fn raise(&mut self, key: u64, state: CounterState) {
        for place in places(key) {
            if let Some(cell) = self.cells.get_mut(place) {
                *cell = cell.raised_to(state);
            }
        }
    }
}

/// One cell in each row, from other bits of the key.
fn places(key: u64) -> impl Iterator<Item = usize> {
    let bits = key.to_le_bytes();
    let pairs: [u16; ROWS] = std::array::from_fn(|row| {
        u16::from_le_bytes(
            [bits.get(2 * row), bits.get(2 * row + 1)]
                .map(|byte| byte.copied().unwrap_or_default()),
        )
    });
    pairs.into_iter().enumerate().map(|(row, bits)| row * CELLS + usize::from(bits) % CELLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: LimitedAction = LimitedAction::GuessCode;

    fn state(idle_at: i64) -> CounterState {
        CounterState { idle_at, next_at: i64::MIN }
    }

    fn store(counters: &Counters, now: i64, subject: &str, idle_at: i64) {
        counters.of(ACTION, Some(now), |table| table.store(subject, state(idle_at)));
    }

    fn idle_at(counters: &Counters, now: i64, subject: &str) -> i64 {
        counters.of(ACTION, Some(now), |table| table.load(subject).idle_at)
    }

    /// Stores that many counters of other subjects.
    fn flood(counters: &Counters, now: i64, how_many: usize, used_until: i64) {
        for number in 0..how_many {
            store(counters, now, &format!("junk-{number}"), used_until);
        }
    }

    /// S109
    #[test]
    fn a_flood_of_other_subjects_makes_no_table_forget_what_is_used_up() {
        for junk_until in [500, 1_000, 100_000] {
            let counters = Counters::default();
            store(&counters, 0, "ann", 1_000);
            flood(&counters, 1, 300_000, junk_until);
            assert!(idle_at(&counters, 2, "ann") >= 1_000, "{junk_until}");
        }
    }

    /// S109
    #[test]
    fn memory_has_an_end() {
        let counters = Counters::default();
        flood(&counters, 0, 10 * MOST, 1_000);
        let tables = counters.tables.lock().unwrap();
        let table = tables.of.get(&ACTION).unwrap();
        assert!(
            table.exact.len() <= MOST && table.exact.capacity() <= 28_672,
            "{}",
            table.exact.capacity()
        );
        let shared = table.shared.as_ref().unwrap();
        assert_eq!(shared.cells.len() * size_of::<CounterState>(), 512 * 1024);
    }

    /// S109: a new visitor after a flood of barely used counters has barely used theirs.
    #[test]
    fn a_new_visitor_begins_no_higher_than_those_who_share_the_cells() {
        let counters = Counters::default();
        flood(&counters, 0, 100_000, 10);
        assert!(idle_at(&counters, 0, "ann") <= 10);
        assert!(idle_at(&counters, 10, "ann") <= 10, "and what is over is over");
    }

    #[test]
    fn few_new_visitors_share_all_their_cells_with_somebody_who_used_up_theirs() {
        let counters = Counters::default();
        flood(&counters, 0, MOST + MOST / 10, 1_000);
        let used = (0..1_000)
            .filter(|number| idle_at(&counters, 0, &format!("person-{number}")) > 0)
            .count();
        assert!(used < 600, "{used}");
    }

    #[test]
    fn a_flood_of_one_action_leaves_the_counters_of_another_exact() {
        let counters = Counters::default();
        counters.of(LimitedAction::ConfirmPassword, Some(0), |table| table.store("ann", state(7)));
        flood(&counters, 0, 2 * MOST, 1_000);
        assert_eq!(
            counters.of(LimitedAction::ConfirmPassword, Some(0), |table| table.load("ann")),
            state(7)
        );
        let ben = counters.of(LimitedAction::ConfirmPassword, Some(0), |table| table.load("ben"));
        assert_eq!(ben, CounterState::IDLE);
    }

    /// R15
    #[test]
    fn a_clock_that_is_set_back_moves_shared_cells_along() {
        let counters = Counters::default();
        store(&counters, 1_000_000, "ann", 1_000_500);
        flood(&counters, 1_000_000, 2 * MOST, 1_001_000);
        assert!((500..=1_000).contains(&idle_at(&counters, 0, "ann")));
    }
}

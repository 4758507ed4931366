//! What was found, printed and judged.

use super::Result;

/// What was found, as a table for the README.
#[derive(Default)]
pub(super) struct Table(Vec<Row>);

struct Row {
    what: String,
    detail: String,
    unit: &'static str,
    /// What was found, and what it may be at most.
    found: Option<(f64, Option<f64>)>,
}

impl Table {
    pub(super) fn row(&mut self, what: &str, detail: String, unit: &'static str, found: Option<(f64, Option<f64>)>) {
        self.0.push(Row { what: what.to_owned(), detail, unit, found });
    }

    pub(super) fn print(&self) {
        println!("| what | measured | result | target |\n|---|---|---|---|");
        for Row { what, detail, unit, found } in &self.0 {
            let result = found.map(|(value, _)| format!("{value:.2} {unit}")).unwrap_or_default();
            let target =
                found.and_then(|(_, target)| target).map(|most| format!("≤ {most} {unit}")).unwrap_or_default();
            println!("| {what} | {detail} | {result} | {target} |");
        }
    }

    /// Fails when something misses its target by more than the slack.
    pub(super) fn judge(&self, slack: f64) -> Result<()> {
        let missed = self
            .0
            .iter()
            .filter(|row| row.found.is_some_and(|(value, target)| target.is_some_and(|most| value > most * slack)));
        let missed: Vec<&str> = missed.map(|row| row.what.as_str()).collect();
        if missed.is_empty() { Ok(()) } else { Err(format!("over the target: {}", missed.join("; ")).into()) }
    }
}

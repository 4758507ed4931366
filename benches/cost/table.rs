//! Findings, printed and validated.

use super::Result;

/// Findings as a table for the README.
#[derive(Default)]
pub(super) struct Table(Vec<TableRow>);

struct TableRow {
    what: String,
    detail: String,
    unit: &'static str,
    /// A finding, and its upper bound.
    found: Option<(f64, Option<f64>)>,
}

impl Table {
    pub(super) fn row(
        &mut self,
        what: &str,
        detail: String,
        unit: &'static str,
        found: Option<(f64, Option<f64>)>,
    ) {
        self.0.push(TableRow { what: what.to_owned(), detail, unit, found });
    }

    pub(super) fn print(&self) {
        println!("| what | measured | result | target |\n|---|---|---|---|");
        for TableRow { what, detail, unit, found } in &self.0 {
            let result = found.map(|(value, _)| format!("{value:.2} {unit}")).unwrap_or_default();
            let target = found
                .and_then(|(_, target)| target)
                .map(|most| format!("≤ {most} {unit}"))
                .unwrap_or_default();
            println!("| {what} | {detail} | {result} | {target} |");
        }
    }

    /// Fails when something misses its target by more than the slack.
    pub(super) fn validate(&self, slack: f64) -> Result<()> {
        let missed = self.0.iter().filter(|row| {
            row.found.is_some_and(|(value, target)| target.is_some_and(|most| value > most * slack))
        });
        let missed: Vec<&str> = missed.map(|row| row.what.as_str()).collect();
        if missed.is_empty() {
            Ok(())
        } else {
            Err(format!("over the target: {}", missed.join("; ")).into())
        }
    }
}

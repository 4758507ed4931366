//! The fields of an event, written out.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use crate::config::LogFormat;

/// Text of one event, behind time and level.
pub(super) struct Record {
    format: LogFormat,
    target: String,
    message: String,
    fields: String,
}

/// Picks the `id` of a span.
#[derive(Default)]
pub(super) struct RequestIdField(pub(super) Option<String>);

impl Record {
    pub(super) fn new(format: LogFormat, target: &str) -> Self {
        Self { format, target: escaped(target), message: String::new(), fields: String::new() }
    }

    /// The part of the program that speaks.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The id of the request, as a field.
    pub(super) fn request_id(&self, id: &str) -> String {
        match self.format {
            LogFormat::Lines => format!(" [{}]", escaped(id)),
            LogFormat::Json => format!(",\"request_id\":\"{}\"", quoted(id)),
        }
    }

    /// The message and the other fields.
    pub(super) fn finish(self) -> String {
        match self.format {
            LogFormat::Lines => format!(" {}{}", self.message, self.fields),
            LogFormat::Json => format!(",\"message\":\"{}\"{}}}", self.message, self.fields),
        }
    }

    /// A field whose value is a text.
    fn text(&mut self, field: &Field, text: &str) {
        match (field.name(), self.format) {
            ("message", LogFormat::Lines) => self.message = escaped(text),
            ("message", LogFormat::Json) => self.message = quoted(text),
            // Records of the `log` crate bring their place as fields.
            ("log.target", _) => self.target = escaped(text),
            (name, _) if name.starts_with("log.") => {}
            (name, LogFormat::Lines) if text.contains([' ', '"', '=']) => {
                self.push(format_args!(" {name}=\"{}\"", quoted(text)));
            }
            (name, LogFormat::Lines) => self.push(format_args!(" {name}={}", escaped(text))),
            (name, LogFormat::Json) => self.push(format_args!(",\"{name}\":\"{}\"", quoted(text))),
        }
    }

    /// A field whose value is a number or a truth.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        match (field.name(), self.format) {
            (name, _) if name.starts_with("log.") => {}
            (name, LogFormat::Lines) => self.push(format_args!(" {name}={value}")),
            (name, LogFormat::Json) => self.push(format_args!(",\"{name}\":{value}")),
        }
    }

    fn push(&mut self, words: fmt::Arguments<'_>) {
        // Writing into a String does not fail.
        let _ = self.fields.write_fmt(words);
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }
}

impl Visit for RequestIdField {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "id" {
            self.0 = Some(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "id" {
            self.0 = Some(value.to_owned());
        }
    }
}

/// Without anything that a terminal obeys.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|letter| push_safe(&mut safe, letter));
    safe
}

/// The same, for between quotation marks: of JSON too.
fn quoted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            safe.push('\\');
        }
        push_safe(&mut safe, letter);
    }
    safe
}

/// Control characters, separators of lines, and what turns the direction of writing (Unicode TR 36
/// §2.4).
fn push_safe(safe: &mut String, letter: char) {
    match letter {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        '\u{061c}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => {
            safe.push_str(&format!("\\u{:04x}", u32::from(letter)));
        }
        letter if letter.is_control() => safe.push_str(&format!("\\u{:04x}", u32::from(letter))),
        letter => safe.push(letter),
    }
}

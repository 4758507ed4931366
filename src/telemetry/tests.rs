use std::sync::Mutex;

use jiff::Timestamp;

use super::*;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }
}

/// Captures the log output of a closure.
fn written(format: LogFormat, log: impl FnOnce()) -> String {
    let lines = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&lines);
    let write = move |line: &str| kept.lock().unwrap().push_str(line);
    let layer = JsonLines { format, clock: Arc::new(Noon), write };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    lines.lock().unwrap().clone()
}

#[test]
fn a_line_says_when_what_and_for_which_request() {
    let log = || {
        let _request = tracing::info_span!(REQUEST_SPAN, id = "0123456789abcdef").entered();
        tracing::warn!(status = 503, path = ?"/sign-in", "a page failed");
    };
    assert_eq!(
        written(LogFormat::Lines, log),
        "2026-11-21T12:00:00.000Z WARN  vestibule::telemetry::tests [0123456789abcdef] a page \
         failed status=503 \
         path=\"\\\"/sign-in\\\"\"\n"
    );
    let line: serde_json::Value = serde_json::from_str(&written(LogFormat::Json, log)).unwrap();
    assert_eq!(line["request_id"], "0123456789abcdef");
    assert_eq!(
        (&line["time"], &line["level"]),
        (&"2026-11-21T12:00:00.000Z".into(), &"WARN".into())
    );
    assert_eq!((&line["message"], &line["status"]), (&"a page failed".into(), &503.into()));
}

/// S81
#[test]
fn nothing_that_was_typed_forges_a_line_or_drives_a_terminal() {
    let evil = "x\r\n2026 ERROR forged \u{1b}[2J \0 \u{9b}31m \u{202e} \u{2028} \"} \\";
    let log = || {
        let _request = tracing::info_span!(REQUEST_SPAN, id = evil).entered();
        tracing::error!(evil, shown = %evil, debug = ?evil, "{evil}");
    };
    for format in [LogFormat::Lines, LogFormat::Json] {
        let line = written(format, log);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let is_harmful =
            |letter: &char| letter.is_control() || matches!(letter, '\u{202e}' | '\u{2028}');
        assert!(!line.trim_end().chars().any(|letter| is_harmful(&letter)), "{line:?}");
    }
    let line: serde_json::Value = serde_json::from_str(&written(LogFormat::Json, log)).unwrap();
    assert!(line["shown"].as_str().unwrap().contains("forged"));
}

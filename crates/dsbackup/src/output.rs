//! Everything that is printed.
//!
//! Data goes to standard output: text for people, or with `--json` one JSON object a line whose
//! fields `docs/json.md` promises. Progress and errors go to standard error (with `--json` the
//! error is an object on standard output as well). `--quiet` keeps both silent but for errors.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::exit::Failure;
use crate::interrupt::Interrupt;

pub(crate) mod database_verdict;
pub(crate) mod facts;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod log_facts;
pub(crate) mod progress;
pub(crate) mod recovery;
pub(crate) mod tables;
pub(crate) mod verdict;

pub(crate) use progress::Bars;

/// Where a verb says what it does.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    style: human::Style,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stdout().is_terminal() && !no_colour;
        Self { json, quiet, style: human::Style { colour } }
    }

    /// Whether JSON was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// How text is decorated.
    pub(crate) fn style(&self) -> human::Style {
        self.style
    }

    /// Text for people.
    pub(crate) fn text(&self, text: impl AsRef<str>) {
        if !self.json && !self.quiet {
            line(std::io::stdout().lock(), text.as_ref());
        }
    }

    /// The result as a JSON object; the last line of a run.
    pub(crate) fn summary(&self, command: &'static str, result: &impl Serialize) {
        self.message(&json::Message { message_type: "summary", command, body: result });
    }

    /// One JSON object, where JSON was asked for.
    pub(crate) fn message(&self, message: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string(message)
        {
            line(std::io::stdout().lock(), &text);
        }
    }

    /// Bytes as they are: scripts for shells, manual pages.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        // A reader that went away wanted no more.
        let _ = std::io::stdout().lock().write_all(bytes);
    }

    /// Where data goes that is written while it is made.
    pub(crate) fn stream(&self) -> impl Write + use<> {
        std::io::stdout().lock()
    }

    /// Something that the user should know although the work goes on.
    pub(crate) fn warning(&self, text: &str) {
        self.message(&json::Notice { message_type: "warning", message: text });
        if !self.json {
            line(std::io::stderr().lock(), &format!("dsbackup: warning: {text}"));
        }
    }

    /// Why the run failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.message(&json::ErrorMessage::of(failure));
        let mut text = format!("dsbackup: {}", failure.text);
        if let Some(advice) = &failure.advice {
            text.push_str("\n  what to do: ");
            text.push_str(advice);
        }
        line(std::io::stderr().lock(), &text);
    }

    /// Progress of a longer work.
    pub(crate) fn progress(&self, total: u64, interrupt: &Interrupt) -> Bars {
        let bar = !self.json && !self.quiet && std::io::stderr().is_terminal();
        Bars::new(total, bar, self.json && !self.quiet, self.clone(), interrupt.clone())
    }
}

fn line(mut to: impl Write, text: &str) {
    // A reader that went away wanted no more.
    let _ = writeln!(to, "{text}");
    let _ = to.flush();
}

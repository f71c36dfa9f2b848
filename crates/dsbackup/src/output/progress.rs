//! Progress: a bar on a terminal's standard error, `status` objects with `--json`, else nothing.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use backup_set::progress::Phase;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt::Interrupt;
use crate::output::{Output, json};

/// Progress of one work of known size; told by several threads.
#[derive(Debug)]
pub(crate) struct Bars {
    bar: ProgressBar,
    status: Option<Status>,
    done: AtomicU64,
    total: AtomicU64,
    interrupt: Interrupt,
}

#[derive(Debug)]
struct Status {
    output: Output,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    phase: &'static str,
    file: String,
    said: Instant,
}

impl Bars {
    pub(super) fn new(
        total: u64,
        bar: bool,
        status: bool,
        output: Output,
        interrupt: Interrupt,
    ) -> Self {
        let target = if bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        let now = Now { phase: "begin", file: String::new(), said: Instant::now() };
        let status = status.then(|| Status { output, now: Mutex::new(now) });
        Self { bar, status, done: AtomicU64::new(0), total: AtomicU64::new(total), interrupt }
    }

    /// What is done now, to which file.
    pub(crate) fn phase(&self, phase: &'static str, file: &str) {
        self.bar.set_message(format!("{phase} {file}"));
        if let Some(status) = &self.status {
            let mut now = status.now.lock().unwrap_or_else(PoisonError::into_inner);
            now.phase = phase;
            file.clone_into(&mut now.file);
        }
    }

    /// `bytes` more are done.
    pub(crate) fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let Some(status) = &self.status else { return };
        let mut now = status.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.said.elapsed() >= STATUS_INTERVAL {
            now.said = Instant::now();
            status.output.message(&json::Status {
                message_type: "status",
                phase: now.phase,
                file: &now.file,
                bytes_done: done,
                bytes_total: self.total.load(Ordering::Relaxed),
            });
        }
    }

    /// `bytes` more are to be done.
    pub(crate) fn grow(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc_length(bytes);
    }

    /// Progress of work that says how far it is, not how much more.
    pub(crate) fn counting(&self) -> impl ese::verify::Progress + use<'_> {
        let said = AtomicU64::new(0);
        move |done: u64, _: u64| {
            let before = said.fetch_max(done, Ordering::Relaxed);
            self.add(done.saturating_sub(before));
            match self.interrupt.is_hit() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }

    /// Prints while the bar is out of the way.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.finish();
    }
}

impl backup_set::Progress for Bars {
    fn begin(&self, phase: Phase, name: &str, _bytes: u64) {
        let phase = match phase {
            Phase::Hash => "hashing",
            Phase::Pages => "verifying",
            Phase::Copy => "copying",
            Phase::Replay => "replaying",
            _ => "checking",
        };
        self.phase(phase, name);
    }

    fn advance(&self, bytes: u64) {
        self.add(bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.interrupt.is_hit()
    }
}

const TEMPLATE: &str =
    "{bar:30} {bytes:>10} of {total_bytes} {bytes_per_sec:>12} {eta:>4}  {wide_msg}";
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

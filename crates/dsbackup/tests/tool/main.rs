//! The tool as a user has it: a process with arguments, output, exit code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod backup;
mod logs;
mod recover;
mod tables;
mod usage;
mod verify;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a run ended with.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code; shows everything if it is another.
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The last JSON object: the summary.
    fn summary(&self) -> Value {
        serde_json::from_str(self.stdout.lines().last().unwrap()).unwrap()
    }
}

fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsbackup"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn dsbackup<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    Run::of(&command(arguments).output().unwrap())
}

/// A scratch folder with a database in it, and a service over it while one runs.
struct World {
    scratch: tempfile::TempDir,
    dit: PathBuf,
    service: Option<Child>,
}

impl World {
    /// With the files of a committed set.
    fn with(name: &str) -> Self {
        let world = Self::empty();
        let home = world.dit.parent().unwrap();
        let source = testkit::set(name);
        for entry in std::fs::read_dir(source.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), home.join(entry.file_name())).unwrap();
        }
        world
    }

    fn empty() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().join("live");
        std::fs::create_dir(&home).unwrap();
        Self { dit: home.join("test.edb"), scratch, service: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.path("socket")
    }

    /// Starts `dsbackup serve`, having ended the one before; waits until it answers.
    fn serve(&mut self, restore_mode: bool) {
        self.stop();
        let mut command = command(["serve", "--dit"]);
        command.arg(&self.dit).arg("--socket").arg(self.socket());
        command.arg("--state").arg(self.path("state"));
        if restore_mode {
            command.arg("--restore-mode");
        }
        self.service = Some(command.stdout(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while !matches!(self.online().code, Some(0 | 1)) {
            assert!(began.elapsed() < Duration::from_secs(30), "the service does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.kill().unwrap();
            service.wait().unwrap();
        }
    }

    fn online(&self) -> Run {
        dsbackup([Path::new("online"), &self.socket()])
    }

    fn backup(&self, set: &Path) -> Run {
        dsbackup([Path::new("backup"), &self.socket(), Path::new("--out"), set])
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

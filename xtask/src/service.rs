//! The built tool and a running service, as a user has them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::{Outcome, root};

/// The release build of the tool; builds it.
pub(crate) fn tool() -> Outcome<PathBuf> {
    build(&["--package", "dsbackup"])?;
    Ok(release_directory().join("dsbackup"))
}

/// `cargo build --release` with further arguments.
pub(crate) fn build(arguments: &[&str]) -> Outcome {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet"])
        .args(arguments)
        .current_dir(root())
        .status()?;
    if status.success() { Ok(()) } else { Err("the build failed".into()) }
}

/// Where cargo puts release builds.
pub(crate) fn release_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), PathBuf::from)
        .join("release")
}

/// A service that ended instead of answering: its exit code and what it said.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// What it said.
    pub(crate) text: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the service does not answer (exit {:?}):\n{}", self.code, self.text)
    }
}

impl std::error::Error for Refused {}

/// A service over one database, ended (killed) with the value.
pub(crate) struct Service {
    child: Child,
    /// The socket clients connect to.
    pub(crate) socket: PathBuf,
}

/// What [`Service::start`] needs to know.
pub(crate) struct Hosting<'a> {
    /// The built tool.
    pub(crate) tool: &'a Path,
    /// The database.
    pub(crate) dit: &'a Path,
    /// A scratch folder for socket, configuration and state; kept between starts, the state too.
    pub(crate) scratch: &'a Path,
    /// Whether to start with `--restore-mode`.
    pub(crate) restore_mode: bool,
}

impl Service {
    /// Starts a service and waits until it answers.
    pub(crate) fn start(hosting: &Hosting<'_>) -> Outcome<Self> {
        let socket = hosting.scratch.join("socket");
        let config = hosting.scratch.join("config.toml");
        let text = format!(
            "state = {:?}\n[socket]\npath = {:?}\nmode = \"0600\"\n\
             [restore]\ndestinations = [{:?}]\n",
            hosting.scratch.join("state"),
            socket,
            hosting.scratch,
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(hosting.tool);
        command.arg("serve").arg("--dit").arg(hosting.dit).arg("--config").arg(&config);
        if hosting.restore_mode {
            command.arg("--restore-mode");
        }
        let log = std::fs::File::create(hosting.scratch.join("service.log"))?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut service = Self { child, socket };
        let started = Instant::now();
        loop {
            let status = Command::new(hosting.tool)
                .args(["--quiet", "online"])
                .arg(&service.socket)
                .output()?;
            if matches!(status.status.code(), Some(0 | 1)) {
                return Ok(service);
            }
            let ended = service.child.try_wait()?;
            if ended.is_some() || started.elapsed() > Duration::from_secs(20) {
                let text = std::fs::read_to_string(hosting.scratch.join("service.log"))?;
                return Err(Refused { code: ended.and_then(|status| status.code()), text }.into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The service's process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as a crash would.
    pub(crate) fn kill(&mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.kill());
    }
}

/// Exit code and everything that was said, in one line of text where it is one.
pub(crate) fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stdout));
    text.trim().to_owned()
}

/// The largest resident set (KiB) that process `id` has had so far.
pub(crate) fn peak_memory_kib(id: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

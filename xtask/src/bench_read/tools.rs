//! Other projects' readers: Python packages in a virtual environment, crates built in a project
//! of their own, Debian's packages unpacked without being installed. All of it under the target
//! folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::baselines;
use crate::{Outcome, root};

/// Debian packages of esedbexport and of what it is linked with.
const DEBIAN: [&str; 3] = ["libesedb-utils", "libesedb1", "libbfio1"];

/// What is there to be measured.
pub(super) struct Tools {
    /// An interpreter that has the packages.
    pub(super) python: PathBuf,
    crates: PathBuf,
    debian: PathBuf,
    /// Version of esedbexport; empty if it is not there.
    pub(super) export_version: String,
    /// What could not be had, with the reason.
    pub(super) missing: Vec<String>,
}

impl Tools {
    /// Gets what is not there yet.
    pub(super) fn get() -> Outcome<Self> {
        let folder = root().join("target/tools/bench-read");
        std::fs::create_dir_all(&folder)?;
        let mut tools = Self {
            python: folder.join("python/bin/python3"),
            crates: folder.join("crates/release/bench-baselines"),
            debian: folder.join("debian"),
            export_version: String::new(),
            missing: Vec::new(),
        };
        if let Err(reason) = tools.get_python(&folder) {
            tools.missing.push(format!("libesedb-python, dissect.database, impacket: {reason}"));
        }
        if let Err(reason) = build_crates(&folder) {
            tools.missing.push(format!("crates libesedb and ese-core: {reason}"));
        }
        if let Err(reason) = tools.get_export() {
            tools.missing.push(format!("esedbexport (Debian package libesedb-utils): {reason}"));
        }
        Ok(tools)
    }

    fn get_python(&self, folder: &Path) -> Outcome {
        let imports = "import pyesedb, dissect.database.ese, impacket.ese";
        let has_all = Command::new(&self.python)
            .args(["-c", imports])
            .output()
            .is_ok_and(|output| output.status.success());
        if has_all {
            return Ok(());
        }
        to_end(Command::new("python3").args(["-m", "venv"]).arg(folder.join("python")))?;
        let requirements = baselines().join("requirements.txt");
        let mut pip = Command::new(&self.python);
        to_end(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))
    }

    fn get_export(&mut self) -> Outcome {
        if !self.debian.join("usr/bin/esedbexport").is_file() {
            std::fs::create_dir_all(&self.debian)?;
            let mut download = Command::new("apt-get");
            download.args(["download", "--quiet"]).args(DEBIAN).current_dir(&self.debian);
            to_end(&mut download)?;
            for entry in std::fs::read_dir(&self.debian)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "deb") {
                    to_end(Command::new("dpkg-deb").arg("-x").arg(path).arg(&self.debian))?;
                }
            }
        }
        let output = self.export_command().arg("-V").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().nth(1).ok_or("it does not start")?;
        self.export_version = version.to_owned();
        Ok(())
    }

    fn export_command(&self) -> Command {
        let mut command = Command::new(self.debian.join("usr/bin/esedbexport"));
        let libraries = self.debian.join("usr/lib");
        let folders = std::fs::read_dir(&libraries).into_iter().flatten().flatten();
        let paths: Vec<PathBuf> =
            folders.map(|entry| entry.path()).chain([libraries.clone()]).collect();
        command.env("LD_LIBRARY_PATH", std::env::join_paths(paths).unwrap_or_default());
        command
    }

    /// esedbexport, writing every table as text below `scratch`.
    pub(super) fn export(&self, file: &str, scratch: &Path) -> Option<Command> {
        let target = export_folder(scratch).with_extension("");
        (!self.export_version.is_empty()).then(|| {
            let mut command = self.export_command();
            command.arg("-t").arg(target).arg(file);
            command
        })
    }

    /// Every reader that decodes the whole file in memory.
    pub(super) fn scans(&self, file: &str) -> Vec<(String, Command)> {
        let python = |reader| {
            let mut command = Command::new(&self.python);
            command.arg("-B").arg(baselines().join("scan.py")).args([reader, file]);
            command
        };
        let of_crate = |reader| {
            let mut command = Command::new(&self.crates);
            command.args([reader, file]);
            command
        };
        [
            ("crate libesedb 0.2.7", of_crate("libesedb")),
            ("crate ese-core 0.2.2", of_crate("ese-core")),
            ("libesedb 20260704, Python", python("libesedb")),
            ("dissect.database 1.1", python("dissect")),
            ("impacket 0.13.1", python("impacket")),
        ]
        .map(|(name, command)| (name.to_owned(), command))
        .into()
    }

    /// dissect.database, the only other one that seeks.
    pub(super) fn seek(&self, file: &Path, table: &str, index: &str, keys: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(baselines().join("seek.py")).arg(file).args([table, index]).arg(keys);
        command
    }
}

/// Where esedbexport writes: it adds the extension itself, and refuses a folder that is there.
pub(super) fn export_folder(scratch: &Path) -> PathBuf {
    scratch.join("tables.export")
}

fn build_crates(folder: &Path) -> Outcome {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet", "--locked"]);
    cargo.arg("--manifest-path").arg(baselines().join("rust/Cargo.toml"));
    to_end(cargo.arg("--target-dir").arg(folder.join("crates")))
}

fn to_end(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no word");
    Err(last.trim().into())
}

//! C programs against a service in this process: the walk-throughs, the abuse, a fork.
//!
//! Where valgrind is installed they run under it, and nothing may be lost or written twice.

use std::path::{Path, PathBuf};
use std::process::Command;

use ntdsbsrv::{PolicySource, RunningService, ServeOptions};

use crate::library::{folder, run, source};

/// A service over a copy of a committed database.
struct Host {
    files: testkit::Unpacked,
    scratch: tempfile::TempDir,
    service: Option<RunningService>,
}

impl Host {
    fn new(set: &str) -> Self {
        let mut host =
            Host { files: testkit::set(set), scratch: tempfile::tempdir().unwrap(), service: None };
        host.start(false);
        host
    }

    fn start(&mut self, restore_mode: bool) {
        drop(self.service.take());
        let options = ServeOptions {
            socket: Some(self.scratch.path().join("socket")),
            state: Some(self.scratch.path().join("state")),
            policy: PolicySource::BuiltIn,
            restore_mode,
            ..ServeOptions::new(self.files.file("test.edb"))
        };
        self.service = Some(RunningService::start(options).unwrap());
    }

    /// Runs a program, under valgrind where there is one.
    fn run(&self, program: &Path, arguments: &[&Path]) -> String {
        let mut command = if has_valgrind() {
            let mut command = Command::new("valgrind");
            command.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
            command.arg("--errors-for-leak-kinds=definite,indirect,possible");
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .arg("localhost")
            .args(arguments)
            .env("LD_LIBRARY_PATH", self.scratch.path())
            .env("DSBX_SOCKET", self.scratch.path().join("socket"));
        String::from_utf8(run(&mut command).stdout).unwrap()
    }

    /// Compiles a program as its first lines say, with pkg-config.
    fn compile(&self, program: &Path) -> PathBuf {
        let scratch = self.scratch.path();
        let loaded = scratch.join("libntdsbcli.so.0");
        if !loaded.exists() {
            std::os::unix::fs::symlink(folder().join("libntdsbcli.so"), &loaded).unwrap();
            std::os::unix::fs::symlink(&loaded, scratch.join("libntdsbcli.so")).unwrap();
            let template = std::fs::read_to_string(source("ntdsbcli.pc.in")).unwrap();
            let text = template
                .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
                .replace("${prefix}/include", &source("include").display().to_string())
                .replace("${prefix}/lib", &scratch.display().to_string())
                .replace("@PREFIX@", "/usr");
            std::fs::write(scratch.join("ntdsbcli.pc"), text).unwrap();
        }
        let flags = run(Command::new("pkg-config")
            .args(["--cflags", "--libs", "ntdsbcli"])
            .env("PKG_CONFIG_PATH", scratch));
        let binary = scratch.join(program.file_stem().unwrap());
        run(Command::new("cc")
            .args(["-Wall", "-Wextra", "-Werror", "-g", "-O1", "-o"])
            .args([&binary, program])
            .args(String::from_utf8(flags.stdout).unwrap().split_whitespace()));
        binary
    }

    fn example(&self, name: &str) -> PathBuf {
        self.compile(&source("../../examples/c").join(name))
    }
}

fn has_valgrind() -> bool {
    let found = Command::new("valgrind").arg("--version").output().is_ok();
    if !found {
        println!("valgrind is not installed; the program runs without it");
    }
    found
}

#[test]
fn api_135_the_walk_throughs_are_clean_and_restore_the_same_bytes() {
    let mut host = Host::new("crash_8k_f");
    let (backup, restore) = (host.example("backup.c"), host.example("restore.c"));
    let original = std::fs::read(host.files.file("test.edb")).unwrap();
    let set = host.scratch.path().join("set");
    std::fs::create_dir(&set).unwrap();
    host.run(&backup, &[&set]);
    assert!(std::fs::read(set.join("test.edb")).unwrap() == original);
    let list = std::fs::read_to_string(set.join("list.txt")).unwrap();
    assert_eq!(list.lines().count(), 6, "{list}");

    host.start(true);
    std::fs::write(host.files.file("test.edb"), b"overwritten by somebody").unwrap();
    host.run(&restore, &[&set]);
    assert!(std::fs::read(host.files.file("test.edb")).unwrap() == original);
    host.start(false);
    let again = host.scratch.path().join("again");
    std::fs::create_dir(&again).unwrap();
    host.run(&backup, &[&again]);
}

#[test]
fn everything_that_a_caller_can_get_wrong_has_its_code_and_leaks_nothing() {
    let host = Host::new("crash_8k_f");
    let abuse = host.example("abuse.c");
    let said = host.run(&abuse, &[]);
    assert!(said.ends_with(" checks, 0 failures\n"), "{said}");
}

#[test]
fn api_132_after_fork_a_childs_use_is_invalid() {
    let host = Host::new("clean_8k");
    let fork = host.compile(&source("tests/c/fork.c"));
    host.run(&fork, &[]);
}

//! The C library as its users meet it.
//!
//! * The headers compile as C and C++ with gcc, clang and mingw-w64.
//! * The documented walk-throughs (`examples/c/backup.c`, `restore.c`) are built with `cc` and
//!   `pkg-config`, run against a real service, and valgrind finds nothing.
//! * `abuse.c` throws NULLs, wrong handles, double ends and wrong states at every entry point.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::service::{Hosting, Service, build, release_directory, said, tool};
use crate::{Outcome, root};

/// Compiler, language, further arguments.
const COMPILERS: &[(&str, &str, &[&str])] = &[
    ("gcc", "c", &["-std=c11"]),
    ("g++", "c++", &["-std=c++17"]),
    ("clang", "c", &["-std=c11"]),
    ("clang++", "c++", &["-std=c++17"]),
    ("x86_64-w64-mingw32-gcc", "c", &["-std=c11"]),
    ("x86_64-w64-mingw32-g++", "c++", &["-std=c++17"]),
];

pub(crate) fn run(_: &[String]) -> Outcome {
    headers()?;
    let tool = tool()?;
    let prefix = tempfile::tempdir()?;
    install(prefix.path())?;
    walk_throughs(&tool, prefix.path())
}

fn include() -> PathBuf {
    root().join("crates/ntdsbcli-c/include")
}

fn headers() -> Outcome {
    let scratch = tempfile::tempdir()?;
    for (compiler, language, arguments) in COMPILERS {
        for unicode in [false, true] {
            let source = scratch.path().join(if *language == "c" { "use.c" } else { "use.cpp" });
            std::fs::write(&source, USE_OF_HEADERS)?;
            let mut command = Command::new(compiler);
            command.args(*arguments).args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]);
            if unicode {
                command.arg("-DUNICODE");
            }
            let output = command.arg("-I").arg(include()).arg(&source).output()?;
            if !output.status.success() {
                return Err(format!("{compiler} (UNICODE: {unicode}): {}", said(&output)).into());
            }
        }
        println!("headers: {compiler} ({language}), A and W");
    }
    Ok(())
}

const USE_OF_HEADERS: &str = r#"
#include <ntdsbcli.h>
#include <ntdsbmsg.h>
HRESULT use(HBC hbc)
{
    BOOL online = 0;
    EDB_RSTMAP map[1];
    (void)map;
    (void)DsIsNTDSOnline;
    (void)DsBackupPrepare;
    (void)DsRestoreRegister;
    return online ? hrNone : DsBackupEnd(hbc);
}
"#;

/// Lays out headers, libraries and the pkg-config file as a package does, below `prefix`.
pub(crate) fn install(prefix: &Path) -> Outcome {
    build(&["--package", "ntdsbcli-c"])?;
    for folder in ["include", "lib/pkgconfig"] {
        std::fs::create_dir_all(prefix.join(folder))?;
    }
    for header in ["ntdsbcli.h", "ntdsbmsg.h", "dsbx.h"] {
        std::fs::copy(include().join(header), prefix.join("include").join(header))?;
    }
    let lib = prefix.join("lib");
    let built = release_directory();
    link_shared(&built.join("libntdsbcli.a"), &lib.join("libntdsbcli.so.0"))?;
    std::fs::copy(built.join("libntdsbcli.a"), lib.join("libntdsbcli.a"))?;
    let link = lib.join("libntdsbcli.so");
    if !link.exists() {
        std::os::unix::fs::symlink("libntdsbcli.so.0", link)?;
    }
    let template = std::fs::read_to_string(root().join("crates/ntdsbcli-c/ntdsbcli.pc.in"))?;
    let text = template
        .replace("@PREFIX@", &prefix.display().to_string())
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    std::fs::write(lib.join("pkgconfig/ntdsbcli.pc"), text)?;
    Ok(())
}

/// Links the shared library from the static one, by the list of symbols and their version nodes.
/// rustc links one of its own (`libntdsbcli.so`, with the same symbols) by a list without versions,
/// which a linker does not take beside ours.
fn link_shared(archive: &Path, shared: &Path) -> Outcome {
    let map = root().join("crates/ntdsbcli-c/ntdsbcli.map");
    let output = Command::new("cc")
        .args([
            "-shared",
            "-Wl,-soname,libntdsbcli.so.0",
            "-Wl,--gc-sections",
            "-Wl,-z,relro,-z,now",
        ])
        .arg(format!("-Wl,--version-script={}", map.display()))
        .arg("-o")
        .arg(shared)
        .arg("-Wl,--whole-archive")
        .arg(archive)
        .args(["-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm", "-lgcc_s"])
        .output()?;
    if output.status.success() { Ok(()) } else { Err(said(&output).into()) }
}

/// Builds an example with `cc` and `pkg-config`, as its first lines say.
pub(crate) fn example(name: &str, prefix: &Path) -> Outcome<PathBuf> {
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "ntdsbcli"])
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .output()?;
    if !flags.status.success() {
        return Err(format!("pkg-config: {}", said(&flags)).into());
    }
    let binary = prefix.join(name);
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-o"])
        .arg(&binary)
        .arg(root().join("examples/c").join(format!("{name}.c")))
        .args(String::from_utf8(flags.stdout)?.split_whitespace())
        .output()?;
    if output.status.success() { Ok(binary) } else { Err(said(&output).into()) }
}

fn walk_throughs(tool: &Path, prefix: &Path) -> Outcome {
    let scratch = tempfile::tempdir()?;
    let live = scratch.path().join("live");
    std::fs::create_dir_all(&live)?;
    let source = testkit::set("crash_8k_f");
    for entry in std::fs::read_dir(source.path())? {
        let entry = entry?;
        std::fs::copy(entry.path(), live.join(entry.file_name()))?;
    }
    let dit = live.join("test.edb");
    let original = std::fs::read(&dit)?;
    let hosting = |restore_mode| Hosting { tool, dit: &dit, scratch: scratch.path(), restore_mode };
    let set = scratch.path().join("c-backup");
    std::fs::create_dir_all(&set)?;

    let service = Service::start(&hosting(false))?;
    let valgrind = Valgrind { prefix, socket: &service.socket };
    valgrind.run("backup", &["localhost".as_ref(), set.as_ref()])?;
    valgrind.run("abuse", &["localhost".as_ref()])?;
    drop(service);

    let service = Service::start(&hosting(true))?;
    let valgrind = Valgrind { prefix, socket: &service.socket };
    valgrind.run("restore", &["localhost".as_ref(), set.as_ref()])?;
    drop(service);

    if std::fs::read(&dit)? != original {
        return Err("the restored database differs from the original".into());
    }
    let service = Service::start(&hosting(false))?;
    let online = Command::new(tool).arg("online").arg(&service.socket).status()?;
    if !online.success() {
        return Err("the service is not online after the restore".into());
    }
    println!("walk-throughs: restored database is byte-equal and online");
    Ok(())
}

struct Valgrind<'a> {
    prefix: &'a Path,
    socket: &'a Path,
}

impl Valgrind<'_> {
    fn run(&self, name: &str, arguments: &[&std::ffi::OsStr]) -> Outcome {
        let binary = example(name, self.prefix)?;
        let output = Command::new("valgrind")
            .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
            .args(["--errors-for-leak-kinds=definite,indirect,possible", "--track-fds=yes"])
            .arg(binary)
            .args(arguments)
            .env("LD_LIBRARY_PATH", self.prefix.join("lib"))
            .env("DSBX_SOCKET", self.socket)
            .output()?;
        let text = said(&output);
        if !output.status.success() {
            return Err(format!("{name}: {}\n{text}", output.status).into());
        }
        println!("valgrind {name}: clean; {}", text.lines().last().unwrap_or_default());
        Ok(())
    }
}

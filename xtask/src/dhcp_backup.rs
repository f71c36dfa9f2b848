//! A genuine online backup of Windows, recovered: `cargo xtask dhcp-backup DIR`.
//!
//! DIR holds the files of a backup that a DHCP server of Windows made, which cannot be part of this
//! repository: it has the leases of a real network. Nothing of its content is printed but the
//! numbers of rows. These are compared with what Microsoft's engine gives after its own restore,
//! where the corpus says it (`dhcp-backup/restored.json`).

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::service::{said, tool};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let folder =
        arguments.first().ok_or("say where the backup lies: cargo xtask dhcp-backup DIR")?;
    let folder = Path::new(folder);
    let tool = tool()?;
    let recovery = json(&tool, &["recover", "--dry-run"], folder)?;
    println!(
        "{}: {} records of generations {:x}-{:x}, {} changes made, {} there already, {} undone",
        recovery["kind"],
        recovery["records"],
        recovery["replayed"]["first"].as_u64().unwrap_or_default(),
        recovery["replayed"]["last"].as_u64().unwrap_or_default(),
        recovery["changes_made"],
        recovery["changes_present"],
        recovery["undone"],
    );
    let scratch = tempfile::tempdir()?;
    let out = scratch.path().join("out");
    let written = Command::new(&tool).arg("recover").arg(folder).arg("--out").arg(&out).output()?;
    if !written.status.success() {
        return Err(said(&written).into());
    }
    let database = out.join("dhcp.mdb");
    let verified = json(&tool, &["verify", "--level", "full"], &database)?;
    println!("verify: {}, {}", verified["ok"], verified["databases"][0]["statistics"]);
    let header = json(&tool, &["info"], &database)?;
    let header = &header["databases"][0]["fields"];
    println!(
        "header: consistent {}, detached {}, dbtime {:#x}, last object {}, {} bytes",
        header["consistent_position"],
        header["detach_position"],
        header["dbtime"].as_u64().unwrap_or_default(),
        header["last_objid"],
        std::fs::metadata(&database)?.len()
    );
    let tables = json(&tool, &["tables"], &database)?;
    let Some(corpus) = testkit::corpus() else {
        println!("row counts: NOT COMPARED, the corpus is not there");
        return Ok(());
    };
    let expected = std::fs::read(corpus.archives().join("dhcp-backup/restored.json"))?;
    let expected: Value = serde_json::from_slice(&expected)?;
    let mut differ = 0;
    for (name, rows) in expected["rows"].as_object().ok_or("no rows in restored.json")? {
        let mut all = tables["tables"].as_array().into_iter().flatten();
        let ours = all.find(|table| table["name"] == name.as_str()).map(|table| &table["rows"]);
        let same = ours == Some(rows);
        differ += u32::from(!same);
        println!("{} {name:24} {rows}", if same { "equal" } else { "WRONG" });
    }
    let same_header = header["last_objid"] == expected["header"]["objid_last"]
        && header["consistent_position"] == expected["header"]["lgpos_consistent"];
    println!("header like the engine's: {same_header}");
    match (differ, same_header, verified["ok"].as_bool()) {
        (0, true, Some(true)) => Ok(()),
        _ => Err("not as the engine restores it".into()),
    }
}

/// The summary of a run of the tool.
fn json(tool: &Path, verb: &[&str], path: &Path) -> Outcome<Value> {
    let output = Command::new(tool).arg("--json").args(verb).arg(path).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|_| said(&output).into())
}

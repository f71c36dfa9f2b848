//! Recovers what lies at a path into a folder: `recover PATH FOLDER`.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use ese::recovery::{Options, Request, plan};
use ese::verify::Unheard;
use vfs::Storage;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(path), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: recover PATH FOLDER".into());
    };
    let storage: Arc<dyn Storage> = Arc::new(vfs::os::Os);
    let plan = plan(&storage, &Request::of(path))?;
    let options = Options::writing(&storage, folder.with_extension("pages"));
    let recovered = plan.execute(&storage, &options, &Unheard)?;
    let written = recovered.write_to(&storage, &folder, &Unheard)?;
    writeln(&format!("{:#?}\n{written:#?}", recovered.report().kind));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is an example")]
fn writeln(text: &str) {
    println!("{text}");
}

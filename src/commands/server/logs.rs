//! `edu server logs`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::ui::clean;

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Show the server's log
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// How many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    lines: usize,
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
}

/// Prints the log.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let cluster = cluster(&invocation.home()?, &args.which, invocation, Tell::Nothing)?;
    let absent = || Failure::usage("the server has no log yet").hint("Start it: edu server start");
    let mut path = cluster.log().ok_or_else(absent)?;
    let (text, mut at) = read_from(&path, 0)?;
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(args.lines)) {
        invocation.ui.answer(clean(line));
    }
    if !args.follow {
        return Ok(Exit::Done);
    }
    loop {
        std::thread::sleep(POLL);
        // The server begins a new file each day.
        if let Some(newest) = cluster.log().filter(|newest| *newest != path) {
            (path, at) = (newest, 0);
        }
        let (text, end) = read_from(&path, at)?;
        at = end;
        text.lines()
            .for_each(|line| invocation.ui.answer(clean(line)));
    }
}

/// The whole lines from byte `at` on, and where they end. A file that shrank is read anew.
fn read_from(path: &Path, at: u64) -> Result<(String, u64)> {
    let failed = |e| Failure::io(format!("read \"{}\"", path.display()), &e);
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let at = if length < at { 0 } else { at };
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    bytes.truncate(whole);
    Ok((
        String::from_utf8_lossy(&bytes).into_owned(),
        at + whole as u64,
    ))
}

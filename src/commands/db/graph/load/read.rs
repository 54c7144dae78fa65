//! Reading a file batch by batch, on a thread of its own: lines become checked rows while the server writes
//! those before.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::Args;
use crate::failure::{Failure, Result};
use crate::graph::transfer::{self, Batch, Item, Sheet};
use crate::pg::graph::load::Done;
use crate::spec::ontology::{LabelKind, Ontology};

/// How many batches may be ready before the server takes them.
const READY_MAX: usize = 2;

/// What the reader gives: a batch; a part of the file that is in already; or why it cannot go on.
#[derive(Debug)]
pub(super) enum Portion {
    Batch(Batch),
    Known,
    /// The line that begins what was not read, and why.
    Stop(u64, Failure),
}

/// Reads on a thread of its own until the end of the file, a wrong line, or nobody listens any more.
pub(super) fn start(
    args: &Args,
    ontology: &Ontology,
    done: Vec<Done>,
) -> Result<mpsc::Receiver<Portion>> {
    let mut source = open(&args.file)?;
    let sheet = match args.file.ends_with(".csv") {
        true => Some(sheet(args, ontology, &mut source)?),
        false => None,
    };
    let number = u64::from(sheet.is_some());
    let mut reader = Reader {
        source,
        sheet,
        number,
        args: args.clone(),
        ontology: ontology.clone(),
        done: done.into_iter().peekable(),
    };
    let (sender, receiver) = mpsc::channel(READY_MAX);
    std::thread::spawn(move || {
        loop {
            let first = reader.number + 1;
            let portion = match reader.portion() {
                Ok(Some(portion)) => portion,
                Ok(None) => return,
                Err(failure) => Portion::Stop(first.max(reader.args.start_line), failure),
            };
            let stop = matches!(portion, Portion::Stop(..));
            if sender.blocking_send(portion).is_err() || stop {
                return;
            }
        }
    });
    Ok(receiver)
}

fn open(path: &str) -> Result<BufReader<Box<dyn Read + Send>>> {
    let source: Box<dyn Read + Send> = if path == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| Failure::io(format!("read \"{path}\""), &error))?)
    };
    Ok(BufReader::with_capacity(1 << 18, source))
}

fn sheet(args: &Args, ontology: &Ontology, reader: &mut impl BufRead) -> Result<Sheet> {
    let Some(name) = &args.label else {
        return Err(Failure::usage("a CSV file needs --label"));
    };
    let Some(label) = ontology.label(name) else {
        return Err(Failure::usage(format!(
            "label \"{name}\" is not in the ontology"
        )));
    };
    let only = |given: &Option<String>, allowed: &[String], flag: &str| match (given, allowed) {
        (Some(given), _) => Ok(given.clone()),
        (None, [one]) => Ok(one.clone()),
        _ => Err(Failure::usage(format!(
            "edges of \"{name}\" can have several labels at that end: give {flag}"
        ))),
    };
    let ends = match label.kind {
        LabelKind::Vertex => None,
        LabelKind::Edge => Some((
            only(&args.from, &label.from, "--from")?,
            only(&args.to, &label.to, "--to")?,
        )),
    };
    let mut heading = String::new();
    reader
        .read_line(&mut heading)
        .map_err(|error| Failure::io("read the heading", &error))?;
    let fields = transfer::fields(&heading)
        .map_err(|problem| Failure::usage(format!("line 1: {problem}")))?;
    let columns = fields.into_iter().map(Option::unwrap_or_default).collect();
    Ok(Sheet {
        label: label.clone(),
        ends,
        columns,
    })
}

struct Reader {
    source: BufReader<Box<dyn Read + Send>>,
    sheet: Option<Sheet>,
    /// The last line that was read.
    number: u64,
    args: Args,
    ontology: Ontology,
    /// What an earlier run brought in, by line.
    done: std::iter::Peekable<std::vec::IntoIter<Done>>,
}

impl Reader {
    /// The next portion; none at the end of the file.
    fn portion(&mut self) -> Result<Option<Portion>> {
        let first = self.number + 1;
        let known = self.done.next_if(|done| done.first == first);
        if let Some(known) = known {
            return self.pass(&known).map(Some);
        }
        let until = self.done.peek().map_or(u64::MAX, |done| done.first - 1);
        let batch = self.batch(until)?;
        Ok((batch.lines > 0).then_some(Portion::Batch(batch)))
    }

    /// Passes over lines that are in, and proves that they are the same.
    fn pass(&mut self, known: &Done) -> Result<Portion> {
        let mut digest = Sha256::new();
        let mut line = Vec::new();
        for _ in 0..known.lines {
            self.line(&mut line)?;
            digest.update(&line);
        }
        if hexadecimal(digest) != known.digest {
            return Err(Failure::refused(format!(
                "lines {} to {} of \"{}\" are not those that an earlier run loaded",
                known.first,
                known.first + known.lines - 1,
                self.args.file
            ))
            .detail("That run was broken off, and this one would go on behind it.")
            .hint("Give the same file, or load this one from its first line: --restart"));
        }
        Ok(Portion::Known)
    }

    /// Reads one line with its end; empty at the end of the file.
    fn line(&mut self, line: &mut Vec<u8>) -> Result<()> {
        line.clear();
        let read = self.source.read_until(b'\n', line);
        read.map_err(|error| Failure::io(format!("read \"{}\"", self.args.file), &error))?;
        self.number += u64::from(!line.is_empty());
        Ok(())
    }

    /// The next items, of lines up to `until`.
    fn batch(&mut self, until: u64) -> Result<Batch> {
        let mut batch = Batch {
            first: self.number + 1,
            ..Batch::default()
        };
        let mut digest = Sha256::new();
        let mut line = Vec::new();
        let mut items = 0;
        while items < self.args.batch && self.number < until {
            self.line(&mut line)?;
            if line.is_empty() {
                break;
            }
            if self.number < self.args.start_line {
                batch.first = self.number + 1;
                continue;
            }
            batch.lines += 1;
            digest.update(&line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            let added = self.item(&line).and_then(|item| batch.add(&item));
            added.map_err(|problem| {
                Failure::usage(format!(
                    "line {} of \"{}\": {problem}",
                    self.number, self.args.file
                ))
            })?;
            items += 1;
        }
        batch.digest = hexadecimal(digest);
        Ok(batch)
    }

    fn item(&self, line: &[u8]) -> std::result::Result<Item, String> {
        let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut item = match &self.sheet {
            Some(sheet) => transfer::from_csv(sheet, text)?,
            None => transfer::from_json(text)?,
        };
        transfer::complete(&mut item, &self.ontology, self.args.tenant.as_deref())?;
        Ok(item)
    }
}

fn hexadecimal(digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

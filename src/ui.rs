//! The only printer: stdout is the answer, stderr is status, progress and failures.
//!
//! It decides about colour and bars once, at the start. Everything that came from a file or a
//! database passes [`clean`] before it reaches a terminal.

mod excerpt;
mod screen;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

pub use screen::{Key, Screen};

use crate::failure::{Failure, Result};
use crate::progress::{Progress, Unit, human_time};
use crate::secret::hidden;

/// Without a terminal, a running stage says a word at least this often.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Without a terminal, a stage shorter than this is not worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the ticker looks at the running stage.
const TICK: Duration = Duration::from_millis(250);

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Only answers and failures.
    Quiet,
    /// Status and progress too.
    Normal,
    /// What was decided, and why, as well.
    Verbose,
}

/// The printer.
pub struct Ui {
    verbosity: Verbosity,
    colour_err: bool,
    bars: bool,
    hides_rows: bool,
    stage: Arc<Mutex<Option<Stage>>>,
}

struct Stage {
    bar: ProgressBar,
    what: String,
    total: Option<u64>,
    unit: Unit,
    detail: String,
    begun: Instant,
    spoke: Option<Instant>,
    at: u64,
    bars: Option<MultiProgress>,
    parts: BTreeMap<String, ProgressBar>,
}

impl Stage {
    /// The line for a log: once when the stage turns out long, then every ten seconds.
    fn line_due(&mut self) -> Option<String> {
        let due = match self.spoke {
            None => self.begun.elapsed() >= PATIENCE,
            Some(spoke) => spoke.elapsed() >= SILENCE_MAX,
        };
        if !due {
            return None;
        }
        self.spoke = Some(Instant::now());
        let mut line = format!("  … {}", self.what);
        if let (Some(total), true) = (self.total, self.at > 0) {
            let at = amount(self.at, self.unit);
            match self.unit {
                Unit::Permille => line.push_str(&format!(": {at}")),
                _ => line.push_str(&format!(": {at} of {}", amount(total, self.unit))),
            }
        }
        if !self.detail.is_empty() {
            line.push_str(&format!(" ({})", self.detail));
        }
        Some(line)
    }
}

/// Without a terminal: prints the running stage's lines when they are due, until the printer is gone.
fn tick(stage: &Weak<Mutex<Option<Stage>>>) {
    while let Some(stage) = stage.upgrade() {
        let mut guard = stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(line) = guard.as_mut().and_then(Stage::line_due) {
            eprint_line(&line);
        }
        drop(guard);
        drop(stage);
        std::thread::sleep(TICK);
    }
}

impl Ui {
    /// A printer for this terminal. `no_colour` is what `NO_COLOR` or `--color never` say.
    pub fn new(verbosity: Verbosity, no_colour: bool) -> Self {
        let err = std::io::stderr().is_terminal();
        Self {
            verbosity,
            colour_err: err && !no_colour,
            bars: err,
            hides_rows: false,
            stage: Arc::new(Mutex::new(None)),
        }
    }

    /// The same printer; what `hides` values of rows tells only that there are some.
    #[must_use]
    pub fn hiding_rows(self, hides: bool) -> Self {
        Self {
            hides_rows: hides,
            ..self
        }
    }

    /// Prints a part of the answer on stdout. A closed pipe ends the printing, not the work.
    pub fn answer(&self, text: impl AsRef<str>) {
        self.pause(|| {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{}", text.as_ref());
        });
    }

    /// Whether stdout is a terminal that a screen can be drawn on.
    pub fn has_screen(&self) -> bool {
        console::Term::stdout().is_term()
    }

    /// Prints a line of status on stderr, unless quiet.
    pub fn status(&self, text: impl AsRef<str>) {
        if self.verbosity != Verbosity::Quiet {
            self.line(text.as_ref());
        }
    }

    /// Prints what was decided and why, on stderr, where that was asked for.
    pub fn detail(&self, text: impl AsRef<str>) {
        if self.verbosity == Verbosity::Verbose {
            self.line(&format!("  {}", clean(text.as_ref())));
        }
    }

    /// Prints a finished step: a mark, what was done, and how long it took.
    pub fn step(&self, what: &str, result: &str, took: Duration) {
        let mark = self.paint("✓", "32");
        self.status(format!(
            "{mark} {what:<11} {result}  {}",
            self.paint(&human_time(took), "2")
        ));
    }

    /// Prints a step that found something: a mark, what, and how long it took. Whatever the verbosity.
    pub fn missed(&self, what: &str, result: &str, took: Duration) {
        let mark = self.paint("✗", "1;31");
        self.line(&format!(
            "{mark} {what:<11} {result}  {}",
            self.paint(&human_time(took), "2")
        ));
    }

    /// Prints a warning on stderr, whatever the verbosity.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.line(&format!(
            "{} {}",
            self.paint("warning:", "1;33"),
            clean(text.as_ref())
        ));
    }

    /// Asks before something that cannot be undone. Shape: the trimmed answer, or nothing where
    /// nobody can be asked, because stdin or stderr is no terminal.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub fn ask(&self, question: &str) -> Result<Option<String>> {
        if !self.can_ask() {
            return Ok(None);
        }
        self.finish_stage();
        self.warn(question);
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|e| Failure::io("read the answer", &e))?;
        Ok(Some(line.trim().to_owned()))
    }

    /// Prints a failure with its place in the file, its facts and what to do next.
    pub fn failure(&self, failure: &Failure) {
        self.finish_stage();
        let mut text = format!(
            "{} {}",
            self.paint("error:", "1;31"),
            one_line(&hidden(&failure.error))
        );
        if let Some(excerpt) = &failure.excerpt {
            text.push_str(&excerpt::picture(excerpt, self.colour_err));
        }
        for fact in &failure.detail {
            text.push_str(&format!("\n{} {}", self.paint("detail:", "1"), told(fact)));
        }
        let rows: &[String] = match (self.hides_rows, failure.row_detail.as_slice()) {
            (true, [_, ..]) => {
                &["Values of rows are not shown in CI; ask with --show-rows.".to_owned()]
            }
            (_, rows) => rows,
        };
        for fact in rows {
            text.push_str(&format!("\n{} {}", self.paint("detail:", "1"), told(fact)));
        }
        if let Some(hint) = &failure.hint {
            text.push_str(&format!(
                "\n{} {}",
                self.paint("hint:", "1;36"),
                clean(hint)
            ));
        }
        self.line(&text);
    }

    /// Wraps `text` in an ANSI style where stderr shows colour.
    pub fn paint(&self, text: &str, style: &str) -> String {
        if self.colour_err {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Whether there is somebody to ask: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        self.bars && std::io::stdin().is_terminal()
    }

    /// Hears one piece of progress. Shape: a bar in a terminal, else a line per stage and at least
    /// one every ten seconds.
    pub fn hear(&self, progress: Progress) {
        if let Progress::Warning(text) = &progress {
            return self.warn(text);
        }
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        match progress {
            Progress::Warning(_) => {}
            Progress::Stage { what, total, unit } => self.begin_stage(what, total, unit),
            Progress::At(units) => self.advance(units),
            Progress::Part { what, at, total } => self.part(&clean(&what), at, total),
            Progress::Detail(text) => {
                if let Some(stage) = self.lock().as_mut() {
                    stage.detail = clean(&text);
                    stage
                        .bar
                        .set_message(format!("{} ({})", stage.what, stage.detail));
                }
            }
            Progress::Note(text) => self.line(&format!("  {}", clean(&text))),
            Progress::Done => self.finish_stage(),
        }
    }

    /// The stage lock. A panic while it was held does not take the printer down.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Stage>> {
        self.stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn begin_stage(&self, what: String, total: Option<u64>, unit: Unit) {
        self.finish_stage();
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let bar = bar.with_style(style(total, unit));
        // From the start among the bars of its parts: one that joins them later leaves a line behind.
        let bars =
            (self.bars).then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let bar = match &bars {
            Some(bars) => bars.add(bar),
            None => bar,
        };
        bar.set_message(what.clone());
        if self.bars {
            bar.enable_steady_tick(Duration::from_millis(120));
        } else if Arc::weak_count(&self.stage) == 0 {
            let stage = Arc::downgrade(&self.stage);
            std::thread::spawn(move || tick(&stage));
        }
        let (detail, begun) = (String::new(), Instant::now());
        *self.lock() = Some(Stage {
            bar,
            what,
            total,
            unit,
            detail,
            begun,
            spoke: None,
            at: 0,
            bars,
            parts: BTreeMap::new(),
        });
    }

    fn advance(&self, units: u64) {
        if let Some(stage) = self.lock().as_mut() {
            stage.at = units;
            stage.bar.set_position(units);
        }
    }

    /// A bar of its own below the stage's, which goes when the part is complete.
    fn part(&self, what: &str, at: u64, total: u64) {
        let mut stage = self.lock();
        let Some(stage) = stage.as_mut() else { return };
        let Some(bars) = &stage.bars else {
            stage.detail = format!("{what}: {at} of {total}");
            return;
        };
        if !stage.parts.contains_key(what) {
            let bar = bars.add(ProgressBar::new(total).with_style(style(Some(total), Unit::Items)));
            bar.set_message(what.to_owned());
            stage.parts.insert(what.to_owned(), bar);
        }
        let Some(bar) = stage.parts.get(what) else {
            return;
        };
        bar.set_position(at);
        if at >= total {
            bar.finish_and_clear();
        }
    }

    fn finish_stage(&self) {
        if let Some(stage) = self.lock().take() {
            for bar in stage.parts.values() {
                bar.finish_and_clear();
            }
            stage.bar.finish_and_clear();
            if let Some(bars) = &stage.bars {
                let _ = bars.clear();
            }
        }
    }

    fn line(&self, text: &str) {
        self.pause(|| eprint_line(text));
    }

    fn pause(&self, print: impl FnOnce()) {
        match self.lock().as_ref() {
            Some(stage) => stage.bar.suspend(print),
            None => print(),
        }
    }
}

fn eprint_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn style(total: Option<u64>, unit: Unit) -> ProgressStyle {
    let template = match (total, unit) {
        (None, _) => "{spinner} {elapsed} {wide_msg}",
        (Some(_), Unit::Bytes) => {
            "{spinner} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}"
        }
        (Some(_), Unit::Permille) => "{spinner} [{bar:24}] {percent:>3} % {wide_msg}",
        (Some(_), Unit::Items) => "{spinner} [{bar:24}] {pos}/{len} {eta} {wide_msg}",
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn amount(units: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => indicatif::HumanBytes(units).to_string(),
        Unit::Items => units.to_string(),
        Unit::Permille => format!("{} %", units / 10),
    }
}

/// Shows control characters other than newline and tab as what they are, so that a name or message from a
/// database can neither steer the terminal nor hide in it.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Like [`clean`], on one line: for names and values that stand in a line of edu's.
pub fn one_line(text: &str) -> String {
    clean(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// What a failure says, and nothing that is nobody's business.
fn told(text: &str) -> String {
    clean(&hidden(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[31mb\u{7}\u{9b}c\r\nd\u{202e}"),
            "a\\x1b[31mb\\x07\\x9bc\nd\\u{202e}"
        );
        assert_eq!(one_line("a\nb\tc\rd"), "a\\nb\\tc\\x0dd");
    }
}

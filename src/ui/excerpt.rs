//! The part of a file that is shown with a failure: never more than a screen can take.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::failure::Excerpt;

/// A file up to this size is given to the renderer whole. Units: bytes.
const WHOLE_MAX: usize = 64 * 1024;

/// What is shown of a line on either side of the place. Units: characters.
const SIDE_MAX: usize = 80;

/// A longer line is cut. Units: bytes.
const LINE_MAX: usize = 400;

/// The place in the file, with a caret.
pub(super) fn picture(excerpt: &Excerpt, colour: bool) -> String {
    let (line, column) = excerpt.position();
    let window = window(excerpt);
    let report = &[Level::ERROR.primary_title("").element(
        Snippet::source(&window.text)
            .line_start(window.line)
            .path(&excerpt.path)
            .annotation(
                AnnotationKind::Primary
                    .span(window.span)
                    .label(&excerpt.label),
            ),
    )];
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let picture = renderer.render(report).to_string();
    let place = format!("{}:{line}:{column}", excerpt.path);
    match picture.split_once('\n') {
        Some((_, rest)) if window.cut => {
            let shown = rest.split_once('\n').map_or("", |(_, rest)| rest);
            format!("\n --> {place}\n{shown}")
        }
        Some((_, rest)) => format!("\n{rest}"),
        None => format!("\n --> {place}"),
    }
}

/// What the renderer gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub text: String,
    pub span: Range<usize>,
    /// The number of the text's first line.
    pub line: usize,
    /// Something was left out, so the renderer's column is not the file's.
    pub cut: bool,
}

/// The window of a file around the place of a failure.
pub(super) fn window(excerpt: &Excerpt) -> Window {
    let text = &excerpt.text;
    let start = floor(text, excerpt.span.start.min(text.len()));
    let end = floor(text, excerpt.span.end.clamp(start, text.len()));
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
    if text.len() <= WHOLE_MAX && to - from <= LINE_MAX {
        return Window {
            text: text.clone(),
            span: start..end,
            line: 1,
            cut: false,
        };
    }
    let left = text[from..start]
        .char_indices()
        .rev()
        .nth(SIDE_MAX - 1)
        .map_or(from, |(at, _)| from + at);
    let right = text[start..to]
        .char_indices()
        .nth(SIDE_MAX)
        .map_or(to, |(at, _)| start + at);
    let lead = if left > from { "…" } else { "" };
    let tail = if right < to { "…" } else { "" };
    let shift = |at: usize| at - left + lead.len();
    Window {
        text: format!("{lead}{}{tail}", &text[left..right]),
        span: shift(start)..shift(end.min(right)),
        line: excerpt.position().0,
        cut: true,
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: String, needle: &str) -> Excerpt {
        let at = text.find(needle).unwrap();
        Excerpt {
            path: "x.sql".into(),
            span: at..at + needle.len(),
            text,
            label: String::new(),
        }
    }

    #[test]
    fn a_line_of_five_megabytes_is_cut_around_the_place() {
        let long = "שלום ".repeat(600_000);
        let window = window(&excerpt(format!("SELECT 1;\n{long}HERE{long}"), "HERE"));
        assert!(window.text.chars().count() < 200);
        assert_eq!(&window.text[window.span.clone()], "HERE");
        assert_eq!((window.line, window.cut), (2, true));
    }

    #[test]
    fn a_short_file_is_shown_as_it_is() {
        let window = window(&excerpt("a\nb HERE\n".into(), "HERE"));
        assert_eq!((window.text.as_str(), window.line), ("a\nb HERE\n", 1));
    }
}

//! What is said on the way: on stderr for the user, in the run folder's log with time and level for later.

use std::{fmt, io};

use indicatif::MultiProgress;
use tracing::{Event, Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer, layer},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{run, visible::visible_lines};

/// How much is said on stderr; the log in the run folder always gets everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    Quiet,
    Normal,
    Verbose,
}

/// Begins the log. Returns the screen for progress bars, which gives way to every line.
pub fn start_log(loudness: Loudness) -> MultiProgress {
    let screen = match loudness {
        Loudness::Quiet => MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden()),
        _ => MultiProgress::new(),
    };
    let level = match loudness {
        Loudness::Quiet => LevelFilter::WARN,
        Loudness::Normal => LevelFilter::INFO,
        Loudness::Verbose => LevelFilter::DEBUG,
    };
    let ours = |level: LevelFilter| Targets::new().with_target("apd", level);
    let terminal = layer().event_format(ForUser).with_writer(AroundBars(screen.clone())).with_filter(ours(level));
    let file = layer().event_format(ForFile).with_writer(|| run::log::Writer).with_filter(ours(LevelFilter::DEBUG));
    tracing_subscriber::registry().with(terminal).with(file).init();
    screen
}

/// `warning: what`; what is merely told comes without a word before it.
struct ForUser;

/// `2026-11-22T16:14:49Z WARN what`.
struct ForFile;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for ForUser {
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        match *event.metadata().level() {
            Level::ERROR => out.write_str("error: ")?,
            Level::WARN => out.write_str("warning: ")?,
            _ => {}
        }
        writeln!(out, "{}", words(context, event)?)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for ForFile {
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(out, "{} {} ", run::utc_now(), event.metadata().level())?;
        writeln!(out, "{}", words(context, event)?)
    }
}

/// What is said, harmless for a terminal: names of folders and of what is in files are told as they are.
fn words<S, N>(context: &FmtContext<'_, S, N>, event: &Event<'_>) -> Result<String, fmt::Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let mut words = String::new();
    context.field_format().format_fields(Writer::new(&mut words), event)?;
    Ok(visible_lines(&words))
}

/// Stderr, with the bars taken away while a line is written. Where nothing can be written, because the terminal was closed or
/// whoever read has left, the work goes on: the run's log has every line too.
struct AroundBars(MultiProgress);

struct Line(MultiProgress);

impl<'a> MakeWriter<'a> for AroundBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

impl io::Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        // They are drawn again when they move on; `suspend`, which draws them at once, panics where the terminal is gone.
        let _ = self.0.clear();
        let _ = io::stderr().write_all(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

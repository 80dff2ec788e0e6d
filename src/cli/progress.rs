//! A training as it goes by: a bar on a terminal, a plain line every few seconds elsewhere.

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::{fit::Observer, interrupt::Interrupt};

/// Time between two plain lines.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Shows trainings, one after the other.
pub struct Progress {
    screen: MultiProgress,
    interrupt: Interrupt,
    current: Option<Training>,
}

/// The training that goes by.
struct Training {
    stage: String,
    began: Instant,
    first_step: u64,
    step: u64,
    steps: u64,
    /// The terms of the last logged step.
    terms: String,
    display: Display,
}

enum Display {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Draws bars on `screen` if that is a terminal.
    pub fn new(screen: MultiProgress, interrupt: Interrupt) -> Self {
        Self { screen, interrupt, current: None }
    }

    fn display(&self, stage: &str, first_step: u64, steps: u64) -> Display {
        if self.screen.is_hidden() {
            return Display::Lines { last: Instant::now() };
        }
        let template = "{prefix} {bar:10} {pos}/{len}, {rate}, {left} left{wide_msg}";
        let style = ProgressStyle::with_template(template).expect("a valid template").progress_chars("━╸─");
        // The bar's own rate would count the steps before a resumed training as made at its beginning.
        let began = Instant::now();
        let rate = move |state: &ProgressState| {
            state.pos().saturating_sub(first_step) as f64 / began.elapsed().as_secs_f64().max(1e-9)
        };
        let style = style.with_key("rate", move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{}/s", rounded(rate(state)));
        });
        let style = style.with_key("left", move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{}", duration(steps.saturating_sub(state.pos()) as f64 / rate(state)));
        });
        let bar = ProgressBar::new(steps).with_style(style).with_prefix(stage.to_string()).with_position(first_step);
        Display::Bar(self.screen.add(bar))
    }
}

impl Observer for Progress {
    fn begin(&mut self, stage: &str, first_step: u64, steps: u64) {
        match first_step {
            0 => tracing::info!("{stage}: {steps} steps"),
            _ => tracing::info!("{stage}: going on at step {first_step} of {steps}"),
        }
        self.current = Some(Training {
            stage: stage.into(),
            began: Instant::now(),
            first_step,
            step: first_step,
            steps,
            terms: String::new(),
            display: self.display(stage, first_step, steps),
        });
    }

    fn progress(&mut self, step: u64, terms: Option<&[(String, f64)]>) {
        if let Some(training) = &mut self.current {
            training.progress(step, terms);
        }
    }

    fn end(&mut self) {
        let Some(training) = self.current.take() else { return };
        if let Display::Bar(bar) = &training.display {
            bar.finish_and_clear();
            self.screen.remove(bar);
        }
        if self.interrupt.requested() && training.step < training.steps {
            tracing::info!("{}: interrupted, saving (Ctrl-C once more leaves at once)", training.stage);
        } else {
            tracing::info!("{}", training.summary());
        }
    }
}

impl Training {
    /// Called at every step: no more than two looks at the clock, unless it is time to draw.
    fn progress(&mut self, step: u64, terms: Option<&[(String, f64)]>) {
        self.step = step;
        if let Some(terms) = terms {
            // The total, which comes last, is what a narrow terminal must still show.
            let total_first = terms.last().into_iter().chain(terms.iter().rev().skip(1).rev());
            self.terms = total_first.map(|(name, value)| format!(", {name} {value:.1e}")).collect();
        }
        match &mut self.display {
            Display::Bar(bar) => {
                if terms.is_some() {
                    bar.set_message(self.terms.clone());
                }
                bar.set_position(step);
            }
            Display::Lines { last } if last.elapsed() >= BETWEEN_LINES => {
                *last = Instant::now();
                tracing::info!("{}", self.line());
            }
            Display::Lines { .. } => {}
        }
    }

    /// Where it stands, for example `components: step 1200 of 20000, 890/s, 21 s left, total 1.2e-3`.
    fn line(&self) -> String {
        let left = (self.steps - self.step) as f64 / self.rate();
        let Training { stage, step, steps, terms, .. } = self;
        format!("{stage}: step {step} of {steps}, {}/s, {} left{terms}", rounded(self.rate()), duration(left))
    }

    fn summary(&self) -> String {
        let Training { stage, step, first_step, terms, .. } = self;
        let (steps, taken) = (step - first_step, self.began.elapsed().as_secs_f64());
        format!("{stage}: {steps} steps in {}, {}/s{terms}", duration(taken), rounded(self.rate()))
    }

    /// Steps a second.
    fn rate(&self) -> f64 {
        (self.step - self.first_step) as f64 / self.began.elapsed().as_secs_f64().max(1e-9)
    }
}

/// With about three digits.
fn rounded(rate: f64) -> String {
    match rate {
        100.0.. => format!("{rate:.0}"),
        1.0.. => format!("{rate:.1}"),
        _ => format!("{rate:.3}"),
    }
}

/// A number of seconds as people say it.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if !seconds.is_finite() => "unknown time".into(),
        0..10 => format!("{seconds:.1} s"),
        10..120 => format!("{whole} s"),
        120..7_200 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let texts = [0.04, 9.0, 21.3, 200.0, 7_500.0, f64::INFINITY].map(duration);
        assert_eq!(texts, ["0.0 s", "9.0 s", "21 s", "3 min 20 s", "2 h 05 min", "unknown time"]);
    }

    #[test]
    fn a_line_says_where_a_training_stands() {
        let mut training = Training {
            stage: "components".into(),
            began: Instant::now() - Duration::from_secs(10),
            first_step: 1_000,
            step: 1_000,
            steps: 5_000,
            terms: String::new(),
            display: Display::Lines { last: Instant::now() },
        };
        training.progress(2_000, Some(&[("faithfulness".into(), 0.00123), ("total".into(), 2.0)]));
        let line = training.line();
        assert!(line.starts_with("components: step 2000 of 5000, "), "{line}");
        assert!(line.ends_with("/s, 30 s left, total 2.0e0, faithfulness 1.2e-3"), "{line}");
    }
}

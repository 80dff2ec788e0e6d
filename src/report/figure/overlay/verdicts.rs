//! The verdicts on several runs below each other, and what their training took.

use super::{Overlaid, is_of_one_target};
use crate::report::{
    figure::{
        Figure,
        axis::Axis,
        csv_text, number,
        recovered::{self, Share},
        sheet::{Frame, Sheet},
        style,
    },
    table,
};

const LEFT: f64 = 214.0;
const RIGHT: f64 = 62.0;

pub fn draw(runs: &[Overlaid]) -> Option<Figure> {
    let titles: Vec<String> = runs.iter().map(Overlaid::title).collect();
    let (judged, shares): (Vec<&Overlaid>, Vec<Share>) = runs
        .iter()
        .zip(&titles)
        .filter_map(|(run, title)| {
            let (successes, trials) = table::Share::of(run.run)?.counts();
            Some((run, Share { name: title, colour: run.colour, successes, trials }))
        })
        .unzip();
    if judged.is_empty() {
        return None;
    }
    let trained: Vec<(&Overlaid, &String, f64)> = runs
        .iter()
        .zip(&titles)
        .filter_map(|(run, title)| Some((run, title, run.run.training_seconds.filter(|seconds| *seconds > 0.0)?)))
        .collect();
    let (below, height) = (48.0, recovered::height);
    let of_times = if trained.is_empty() { 0.0 } else { below + height(trained.len()) };
    let mut sheet = Sheet::new(30.0 + height(judged.len()) + of_times + 24.0);
    let width = style::WIDTH - LEFT - RIGHT;
    let frame = Frame { x: LEFT, y: 30.0, width, height: height(judged.len()) };
    recovered::of_shares(&mut sheet, frame, &shares);
    if !trained.is_empty() {
        let frame = Frame { y: frame.bottom() + below, height: height(trained.len()), ..frame };
        times(&mut sheet, frame, &trained);
    }
    let header = ["what", "run", "method", "target", "value", "low", "high"].map(str::to_owned);
    let words = |what: &str, run: &Overlaid| [what, run.name, &run.method, &run.target].map(str::to_owned);
    let of_shares = judged
        .iter()
        .zip(&shares)
        .map(|(run, share)| [&words("recovered", run)[..], &share.with_interval().map(number)].concat());
    let of_times = trained.iter().map(|(run, _, seconds)| {
        [&words("training seconds", run)[..], &[number(*seconds), String::new(), String::new()]].concat()
    });
    let caution = if is_of_one_target(runs) { "" } else { " The runs are not of one target." };
    let of_time = match trained.is_empty() {
        true => "",
        false => " Below: the seconds that the steps of all replicas took together, on a logarithmic scale.",
    };
    Some(Figure {
        name: "verdicts",
        title: "Replicas recovered by each run",
        csv: csv_text(&header, of_shares.chain(of_times)),
        svg: sheet.svg("verdicts", "Share of replicas recovered with its interval, and time of training, by run"),
        caption: format!(
            "The share of replicas of each run that are recovered, with its 95 % interval (Wilson), in the colours of the \
             figures above.{of_time}{caution} What success looks like: the interval lies high; two methods differ where \
             their intervals lie far apart."
        ),
    })
}

fn times(sheet: &mut Sheet, frame: Frame, trained: &[(&Overlaid, &String, f64)]) {
    let x = Axis::logarithmic(trained.iter().map(|(.., seconds)| seconds.log10()));
    sheet.title((frame.x, frame.y - 7.0), "seconds of training");
    sheet.panel(frame, &x, &recovered::no_ticks(), true, Vec::new());
    for (line, (run, title, seconds)) in trained.iter().enumerate() {
        let y = recovered::line_at(frame, line);
        recovered::name(sheet, frame, line, title);
        sheet.dots(
            [(frame.place(&x, &recovered::no_ticks(), (seconds.log10(), 0.0)).0, y)].into_iter(),
            4.0,
            run.colour,
        );
        recovered::value(sheet, frame, line, &table::duration(*seconds));
    }
}

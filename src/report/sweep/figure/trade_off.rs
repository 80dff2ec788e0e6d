//! Active components against error of every value of a trade-off, and the largest error that is accepted.

use kuva::render::render::TextAnchor;

use super::points;
use crate::{
    report::{
        figure::{
            Figure,
            axis::WithZero,
            csv_text, number,
            sheet::{Frame, Sheet},
            style,
        },
        sweep::data::SweepData,
    },
    sweep::Point,
};

const FRAME: Frame = Frame { x: 58.0, y: 48.0, width: style::WIDTH - 58.0 - 14.0, height: 230.0 };

pub fn draw(sweep: &SweepData) -> Option<Figure> {
    let trade_off = sweep.overview.trade_off.as_ref()?;
    let of_seeds = || trade_off.values.iter().flat_map(|value| value.replicas.iter().map(move |of| (value, of)));
    of_seeds().next()?;
    let means = || trade_off.known().map(|(_, mean)| mean);
    let all = || of_seeds().map(|(_, (_, point))| *point).chain(means());
    let x = WithZero::covering(all().map(|point| point.active).collect::<Vec<_>>().into_iter());
    let errors = all().map(|point| point.error).chain(trade_off.largest_error);
    let y = WithZero::covering(errors.collect::<Vec<_>>().into_iter());
    let place = |point: Point| FRAME.place(&x.axis, &y.axis, (x.at(point.active), y.at(point.error)));
    let mut sheet = Sheet::new(FRAME.bottom() + 42.0);
    let end = sheet.dot_key((FRAME.x, 14.0), style::SKY, "replica");
    let meaning = format!("mean at each {}", style::plain(&sweep.names[0]));
    let next = sheet.key((end, 14.0), style::BLUE, &meaning);
    sheet.panel(FRAME, &x.axis, &y.axis, true, Vec::new());
    if let Some(largest) = trade_off.largest_error {
        let at = FRAME.place(&x.axis, &y.axis, (x.axis.range.0, y.at(largest))).1;
        sheet.dashed((FRAME.x, at), (FRAME.right(), at), style::VERMILLION);
        let meaning = format!("largest error: {}", trade_off.limit_in_words());
        sheet.text((FRAME.x, 34.0), &meaning, style::LABEL, style::VERMILLION, TextAnchor::Start);
    }
    let corners: Vec<(f64, f64)> = means().map(place).collect();
    corners.windows(2).for_each(|pair| sheet.stroke(pair[0], pair[1], style::BLUE, 1.6));
    sheet.dots(corners.iter().copied(), 3.8, style::BLUE);
    sheet.dots(of_seeds().map(|(_, (_, point))| place(*point)), 2.0, style::SKY);
    for ((value, _), &(x, y)) in trade_off.known().zip(&corners) {
        // Where the line seldom is, as the error falls.
        const ROOM: f64 = 44.0;
        let (at, anchor) = match () {
            () if x + ROOM < FRAME.right() => ((x + 6.0, y - 5.0), TextAnchor::Start),
            () if y + 20.0 < FRAME.bottom() => ((x + 14.0, y + 15.0), TextAnchor::End),
            () => ((x - 9.0, y + 7.0), TextAnchor::End),
        };
        sheet.text(at, &style::plain(&value.value), style::TICK, style::INK, anchor);
    }
    if let Some(recommended) = trade_off.recommended() {
        points::rings(&mut sheet, recommended.mean.map(place).into_iter());
        points::rings(&mut sheet, [(next + 6.0, 10.0)].into_iter());
        sheet.text((next + 16.0, 14.0), sweep.best_is(), style::LABEL, style::INK, TextAnchor::Start);
    }
    sheet.below(FRAME, "active components");
    sheet.upright((12.0, FRAME.middle().1), "error (squared output units)");
    let header = ["trial", "value", "seed", "mean_active", "error"].map(str::to_owned);
    let rows = of_seeds().map(|(value, (seed, point))| {
        let [active, error] = [point.active, point.error].map(number);
        [value.trial.to_string(), value.value.clone(), seed.clone(), active, error]
    });
    Some(Figure {
        name: "trade_off",
        title: "Active components against error",
        csv: csv_text(&header, rows),
        svg: sheet.svg("trade_off", "Error against active components at every value of the key that is traded off"),
        caption: format!(
            "Mean squared error to the target's output with the active components against how many are active per sample on \
             average, at every value of {}, which stands beside its means; both axes logarithmic. Dashed: the largest error that \
             is accepted. What success looks like: the error falls steeply up to about as many components as features are \
             active and then levels off, and the recommended value lies near that bend.",
            trade_off.key
        ),
    })
}

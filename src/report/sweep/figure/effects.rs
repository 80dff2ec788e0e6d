//! Main effects: the mean score of the trials with each value of a key.

use kuva::render::render::TextAnchor;

use super::{MOST_KEYS, left_out};
use crate::{
    report::{
        figure::{
            Figure,
            axis::Axis,
            csv_text, number, number_and_word,
            sheet::{Frame, Sheet},
            style,
        },
        sweep::data::SweepData,
    },
    sweep::{Group, Sensitivity},
    visible::visible,
};

const LEFT: f64 = 148.0;
const RIGHT: f64 = 76.0;
const LINE: f64 = 15.0;
/// Above the lines of a key.
const HEADING: f64 = 34.0;
/// Values of a key that are drawn at most.
const MOST_GROUPS: usize = 12;

pub fn draw(sweep: &SweepData) -> Option<Figure> {
    let has_groups = |found: &&Sensitivity| found.groups.len() > 1 && found.effect().is_some();
    let found: Vec<&Sensitivity> = sweep.overview.sensitivities.iter().filter(has_groups).take(MOST_KEYS).collect();
    if found.is_empty() {
        return None;
    }
    let height = |found: &Sensitivity| found.groups.len().min(MOST_GROUPS) as f64 * LINE;
    let mut sheet = Sheet::new(found.iter().map(|found| height(found) + HEADING).sum::<f64>() + 44.0);
    let groups = || found.iter().flat_map(|found| found.groups.iter().map(move |group| (found, group)));
    let x = Axis::covering(groups().filter_map(|(_, group)| group.range).flat_map(|(low, high)| [low, high]), 5.0);
    let mut top = 0.0;
    for (index, of_key) in found.iter().enumerate() {
        let frame =
            Frame { x: LEFT, y: top + HEADING - 6.0, width: style::WIDTH - LEFT - RIGHT, height: height(of_key) };
        top += HEADING + height(of_key);
        let is_lowest = index + 1 == found.len();
        panel(&mut sheet, frame, sweep, of_key, &x.clone().numbered(is_lowest));
        if is_lowest {
            sheet.below(frame, "mean score");
        }
    }
    // A range of values is in words.
    let header =
        ["key", "value", "words", "trials", "replicas", "recovered", "score", "lowest", "highest"].map(str::to_owned);
    let rows = groups().map(|(found, group)| {
        let range = group.range.unwrap_or((f64::NAN, f64::NAN));
        let recovered = group.recovered.map_or_else(String::new, |recovered| recovered.to_string());
        let counts = [group.trials.to_string(), group.replicas.to_string(), recovered];
        let scores = [group.score.unwrap_or(f64::NAN), range.0, range.1].map(number);
        let [value, words] = number_and_word(&group.values);
        [&[found.key.clone(), value, words], counts.as_slice(), &scores].concat()
    });
    Some(Figure {
        name: "effects",
        title: "Main effects",
        csv: csv_text(&header, rows),
        svg: sheet.svg("effects", "The mean score of the trials with each value of a key"),
        caption: format!(
            "Of each key and value the mean over its trials of their mean scores (dot) and from the worst to the best of these \
             trials (bar), the other keys left to vary; more than six different numbers are in three ranges. At the right how \
             many replicas are recovered. Effect: the largest mean less the smallest; rank: Spearman's correlation of value and \
             score.{} Seen when a key matters: its dots lie apart, and its bars hardly overlap.",
            left_out(sweep, found.len())
        ),
    })
}

fn panel(sheet: &mut Sheet, frame: Frame, sweep: &SweepData, found: &Sensitivity, x: &Axis) {
    let no_ticks = Axis { range: (0.0, 1.0), ticks: Vec::new(), numbered: false };
    sheet.panel(frame, x, &no_ticks, true, Vec::new());
    let name = sweep.plan.keys().position(|key| key == found.key).map_or(&found.key, |key| &sweep.names[key]);
    sheet.title((8.0, frame.y - 7.0), &style::plain(&visible(name)));
    let effect = found.effect().map_or_else(String::new, |effect| format!("effect {effect:.2}"));
    let rank = found.rank_correlation.map_or_else(String::new, |rank| format!(", rank {rank:.2}"));
    let text = (effect + &rank).replace('-', "−");
    sheet.text((style::WIDTH - 8.0, frame.y - 7.0), &text, style::TICK, style::MUTED, TextAnchor::End);
    for (line, group) in found.groups.iter().take(MOST_GROUPS).enumerate() {
        of_group(sheet, frame, x, frame.y + (line as f64 + 0.5) * LINE, group);
    }
}

fn of_group(sheet: &mut Sheet, frame: Frame, x: &Axis, y: f64, group: &Group) {
    let at = |score: f64| frame.x + x.share(score) * frame.width;
    let values = style::plain(&cut(&visible(&group.values))).replace('-', "−");
    sheet.text((frame.x - 8.0, y + 3.5), &values, style::TICK, style::INK, TextAnchor::End);
    if let Some((low, high)) = group.range {
        sheet.stroke((at(low), y), (at(high), y), style::PALE, 4.0);
    }
    sheet.dots(group.score.map(|score| (at(score), y)).into_iter(), 3.4, style::BLUE);
    if let Some(recovered) = group.recovered {
        let text = format!("{recovered} of {}", group.judged);
        sheet.text((frame.right() + 8.0, y + 3.5), &text, style::TICK, style::INK, TextAnchor::Start);
    }
}

/// As much of a value as there is room for.
fn cut(value: &str) -> String {
    const MOST: usize = 25;
    match value.chars().count() > MOST {
        true => value.chars().take(MOST - 1).chain(['…']).collect(),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_and_ranges_are_not() {
        assert_eq!(cut("0.00469757 to 0.0215497"), "0.00469757 to 0.0215497");
        assert_eq!(cut("{ exponential = { half_life = 100 } }"), "{ exponential = { half_l…");
    }
}

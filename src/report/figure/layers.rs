//! In which layers each component lies.

use std::fmt::Write;

use super::{
    Figure,
    axis::Axis,
    csv_text, number,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::{run_data::RunData, table::fixed},
    run::TargetKind,
    table::LayerRow,
};

/// One component's shares, by layer.
struct Bar {
    component: usize,
    shares: Vec<f64>,
}

pub fn draw(run: &RunData) -> Option<Figure> {
    let Some(TargetKind::ResidualMlp { layers: 2.., .. }) = run.kind() else { return None };
    let replica = run.shown_replica();
    let known = |row: &&LayerRow| row.replica == replica && row.layer < MOST_LAYERS && row.share >= 0.0;
    let rows: Vec<&LayerRow> = run.evidence.layers.iter().filter(known).collect();
    let layers = rows.iter().map(|row| row.layer + 1).max()?;
    let bars = bars(run, &rows, layers);
    if bars.is_empty() {
        return None;
    }
    let frame = Frame { x: 52.0, y: 30.0, width: style::WIDTH - 68.0, height: 130.0 };
    let x =
        Axis::linear((0.5, bars.len() as f64 + 0.5), style::tick_step(bars.len() as f64, 6.0).max(1.0), style::number);
    let y = Axis::linear((0.0, 1.0), 0.25, style::number);
    let mut sheet = Sheet::new(frame.bottom() + 42.0);
    sheet.panel(frame, &x, &y, false, Vec::new());
    let slot = frame.width / bars.len() as f64;
    let width = slot * if slot > 3.0 { 0.86 } else { 1.0 };
    let mut key = frame.x;
    for layer in 0..layers {
        let mut path = String::new();
        for (place, bar) in bars.iter().enumerate() {
            let below: f64 = bar.shares[..layer].iter().sum();
            let (from, height) = (frame.bottom() - below * frame.height, bar.shares[layer] * frame.height);
            if height > 0.05 {
                let left = frame.x + place as f64 * slot + (slot - width) / 2.0;
                let _ = write!(path, "M{left:.2} {from:.1}v{:.1}h{width:.2}V{from:.1}z", -height);
            }
        }
        sheet.fill(path, style::nth_colour(layer), None);
        key = sheet.key((key, 16.0), style::nth_colour(layer), &format!("layer {layer}"));
    }
    sheet.below(frame, "alive components, by their main layer");
    sheet.upright((12.0, frame.middle().1), "share of squared norm");
    let spanned = |bar: &Bar| 1.0 / bar.shares.iter().map(|share| share * share).sum::<f64>();
    let mean = bars.iter().map(spanned).sum::<f64>() / bars.len() as f64;
    let header = ["replica", "place", "component", "layer", "share"].map(str::to_owned);
    let numbers = (1_usize..).zip(&bars).flat_map(|(place, bar)| {
        bar.shares.iter().enumerate().map(move |(layer, share)| {
            [replica, place, bar.component, layer].iter().map(usize::to_string).chain([number(*share)]).collect()
        })
    });
    Some(Figure {
        name: "layers",
        title: "Layers",
        csv: csv_text::<Vec<String>>(&header, numbers),
        svg: sheet.svg("layers", "Each alive component's shares of its squared norm in the layers"),
        caption: format!(
            "{}. A bar an alive component: the share of its squared Frobenius norm that lies in each layer. A mean \
             component spans {mean} layers. Seen when it works: where the target computes a feature across layers, the \
             feature's component has shares in several; bars of one colour lie in one layer.",
            run.shown_because(),
            mean = fixed(mean, 2),
        ),
    })
}

/// As many as there are colours.
const MOST_LAYERS: usize = 7;

/// The alive components by their largest layer and then by their share in it.
fn bars(run: &RunData, rows: &[&LayerRow], layers: usize) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    let is_dead = |row: &LayerRow| {
        run.components
            .iter()
            .any(|known| (known.replica, known.component) == (row.replica, row.component) && known.alive == Some(false))
    };
    for row in rows {
        if bars.last().is_none_or(|bar| bar.component != row.component) {
            if is_dead(row) {
                continue;
            }
            bars.push(Bar { component: row.component, shares: vec![0.0; layers] });
        }
        if let Some(bar) = bars.last_mut() {
            bar.shares[row.layer] = row.share.min(1.0);
        }
    }
    let main = |bar: &Bar| (0..layers).rev().max_by(|a, b| bar.shares[*a].total_cmp(&bar.shares[*b])).unwrap_or(0);
    bars.sort_by(|a, b| {
        let (in_a, in_b) = (main(a), main(b));
        in_a.cmp(&in_b).then(b.shares[in_b].total_cmp(&a.shares[in_a]))
    });
    bars
}

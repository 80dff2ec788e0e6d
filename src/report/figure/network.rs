//! A small network as nodes and lines, of the target and of each component (Braun et al. 2025, the figures of the toy
//! models of superposition and of the hand-coded functions).

mod gated;
mod tms;

use kuva::render::{
    color::Color,
    render::{Primitive, TextAnchor},
};

use super::{
    Figure, csv_text,
    grid::Grid,
    number, order,
    sheet::{Frame, Sheet},
    style,
};
use crate::{
    report::{run_data::RunData, weights::SiteWeights},
    run::TargetKind,
    site::Role,
};

/// Besides the target.
const MOST_COMPONENTS: usize = 11;
/// A weight below this share of the target's largest at its site is not drawn.
const UNSEEN: f64 = 0.02;
const WIDEST: f64 = 3.2;

/// Where the nodes are in a panel, as shares of its width and height, and which weights join them.
struct Drawing {
    nodes: Vec<Node>,
    lines: Vec<Line>,
    grid: Grid,
    /// Meanings of colours.
    keys: Vec<(&'static str, String)>,
    /// What a component is matched with.
    feature_is: &'static str,
    /// A line's width grows with this power of the weight's magnitude.
    power: f64,
    /// The last sentences of the caption.
    caption: &'static str,
}

struct Node {
    place: (f64, f64),
    radius: f64,
    /// Its name in the panel of the target, and on which side of it that stands.
    name: Option<(String, Side)>,
}

#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
    Left,
    Right,
}

/// The weight of row and column at a site, counted from 0, joins two nodes.
struct Line {
    from: usize,
    to: usize,
    site: usize,
    row: usize,
    column: usize,
    /// None: by the sign.
    colour: Option<&'static str>,
}

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let weights = run.weights.as_ref()?;
    let described = run.description.sites();
    let drawing = match run.kind()? {
        TargetKind::Tms { features, hidden, hidden_layers } => {
            let is_tied = run.description.site(Role::Unembedding).is_none();
            tms::drawing(features, hidden, hidden_layers, is_tied)?
        }
        TargetKind::GatedFunctions { functions, .. } => gated::drawing(weights, replica, functions, described)?,
        TargetKind::ResidualMlp { .. } => return None,
    };
    let sites: Vec<SiteWeights> =
        described.iter().map(|site| weights.site(replica, &site.name)).collect::<Option<_>>()?;
    let fits = |line: &Line| line.row < sites[line.site].target.rows && line.column < sites[line.site].target.columns;
    if !drawing.lines.iter().all(fits) {
        return None;
    }
    let count = sites.iter().map(|site| site.components.len()).min()?;
    let mut components = order::by_feature(run, replica, count, drawing.feature_is);
    let left_out = components.len().saturating_sub(MOST_COMPONENTS);
    components.truncate(MOST_COMPONENTS);

    let grid = &drawing.grid;
    let mut sheet = Sheet::new(grid.bottom(1 + components.len()) + 18.0);
    let mut key = 8.0;
    for (colour, meaning) in &drawing.keys {
        if key > style::WIDTH - 50.0 {
            break;
        }
        key = sheet.key((key, 14.0), colour, meaning);
    }
    let parts = [(None, "all".to_owned())].into_iter();
    let parts = parts.chain(components.into_iter().map(|(component, note)| (Some(component), note)));
    let mut numbers = Vec::new();
    for (index, (component, note)) in parts.enumerate() {
        let frame = grid.frame(index);
        let name = component.map_or("target".to_owned(), |component| format!("component {component}"));
        sheet.title((frame.x, frame.y - 22.0), &name);
        let note = if component.is_some() { note } else { String::new() };
        sheet.text((frame.x, frame.y - 10.0), &note, style::TICK, style::MUTED, TextAnchor::Start);
        let weight = |line: &Line| {
            let site = &sites[line.site];
            component.map_or(&site.target, |component| &site.components[component]).row(line.row)[line.column]
        };
        panel(&mut sheet, frame, &drawing, &sites, weight, component.is_none());
        for line in &drawing.lines {
            let part = if component.is_none() { "target" } else { "component" };
            let component = component.map(|component| component.to_string()).unwrap_or_default();
            let place = [line.row.to_string(), line.column.to_string(), number(weight(line))];
            let names = [replica.to_string(), part.to_owned(), component, described[line.site].name.clone()];
            numbers.push([names.as_slice(), &place].concat());
        }
    }
    // Tied weights join two pairs of nodes.
    numbers.dedup();
    let header = ["replica", "part", "component", "site", "row", "column", "weight"].map(str::to_owned);
    let cut = match left_out {
        0 => String::new(),
        count => format!(" Left out: {count} more components."),
    };
    Some(Figure {
        name: "network",
        title: "Network",
        csv: csv_text(&header, numbers),
        svg: sheet.svg("network", "The weights of the target and of each component as lines between nodes"),
        caption: format!(
            "{}. Each line is a weight (no unit), as wide as {} is large, beside the target's largest at the site. {}{cut}",
            run.shown_because(),
            if drawing.power == 1.0 { "its magnitude" } else { "the square root of its magnitude" },
            drawing.caption
        ),
    })
}

fn panel(
    sheet: &mut Sheet,
    frame: Frame,
    drawing: &Drawing,
    sites: &[SiteWeights],
    weight: impl Fn(&Line) -> f64,
    is_named: bool,
) {
    let at = |node: &Node| (frame.x + node.place.0 * frame.width, frame.y + node.place.1 * frame.height);
    let share = |line: &Line| {
        let largest = sites[line.site].target.largest();
        if largest > 0.0 { weight(line) / largest } else { 0.0 }
    };
    let seen = drawing.lines.iter().filter(|line| share(line).is_finite() && share(line).abs() >= UNSEEN);
    for line in seen {
        let (from, to) = (&drawing.nodes[line.from], &drawing.nodes[line.to]);
        let by_sign = if share(line) > 0.0 { style::VERMILLION } else { style::BLUE };
        let width = (share(line).abs().powf(drawing.power) * WIDEST).min(2.0 * WIDEST);
        sheet.stroke(at(from), at(to), line.colour.unwrap_or(by_sign), width);
    }
    for node in &drawing.nodes {
        let (cx, cy) = at(node);
        sheet.add(Primitive::Circle {
            cx,
            cy,
            r: node.radius,
            fill: Color::Rgb(255, 255, 255),
            fill_opacity: None,
            stroke: Some(style::MUTED.into()),
            stroke_width: Some(0.8),
        });
        let Some((name, side)) = node.name.as_ref().filter(|_| is_named) else { continue };
        let off = node.radius + 2.5;
        let (place, anchor) = match side {
            Side::Above => ((cx, cy - off), TextAnchor::Middle),
            Side::Below => ((cx, cy + off + 8.0), TextAnchor::Middle),
            Side::Left => ((cx - off, cy + 3.5), TextAnchor::End),
            Side::Right => ((cx + off, cy + 3.5), TextAnchor::Start),
        };
        sheet.text(place, name, style::TICK, style::INK, anchor);
    }
}

/// `count` places evenly within 0 to 1.
fn spread(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |index| (index as f64 + 0.5) / count as f64)
}

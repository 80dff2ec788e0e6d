//! A canvas on which panels and text are placed by their pixels.

use std::fmt::Write;

use kuva::{
    backend::svg::SvgBackend,
    plot::LinePlot,
    render::{
        color::Color,
        layout::Layout,
        plots::Plot,
        render::{PathData, Primitive, Scene, TextAnchor, render_multiple},
    },
};

use super::{axis::Axis, style};

/// A rectangle on the sheet in pixels, from the upper left.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Where a point of the data lies on the sheet; what is beyond the axes lies on their ends.
    pub fn place(&self, x: &Axis, y: &Axis, point: (f64, f64)) -> (f64, f64) {
        let share = |axis: &Axis, value| axis.share(value).clamp(0.0, 1.0);
        (self.x + share(x, point.0) * self.width, self.bottom() - share(y, point.1) * self.height)
    }
}

pub struct Sheet {
    scene: Scene,
}

/// What the plotting library is given around a panel's frame, in which nothing is drawn.
const MARGIN: f64 = 20.0;
/// Width of axes, ticks and grid.
const LINE_WIDTH: f64 = 0.8;

impl Sheet {
    pub fn new(height: f64) -> Sheet {
        let mut scene = Scene::new(style::WIDTH, height);
        scene.text_color = Some(style::INK.to_owned());
        scene.font_family = Some(style::FONT_FAMILY.to_owned());
        Sheet { scene }
    }

    /// Draws `plots` and their axes; `frame` is the area of the data.
    pub fn panel(&mut self, frame: Frame, x: &Axis, y: &Axis, grid: bool, mut plots: Vec<Plot>) {
        // Without any plot there would be no axes.
        plots.push(Plot::Line(LinePlot::new()));
        self.ticks(frame, x, y, grid);
        let mut layout = Layout::new(x.range, y.range)
            .with_width(frame.width + 2.0 * MARGIN)
            .with_height(frame.height + 2.0 * MARGIN)
            .with_force_margins(MARGIN, MARGIN)
            .with_force_margins_y(MARGIN, MARGIN)
            .with_x_axis_min(x.range.0)
            .with_x_axis_max(x.range.1)
            .with_y_axis_min(y.range.0)
            .with_y_axis_max(y.range.1)
            .with_axis_line_width(LINE_WIDTH)
            .with_theme(style::theme())
            .with_font_family(style::FONT_FAMILY);
        (layout.suppress_x_ticks, layout.suppress_y_ticks) = (true, true);
        let panel = render_multiple(plots, layout);
        self.scene.defs.extend(panel.defs);
        let (left, top) = (frame.x - MARGIN, frame.y - MARGIN);
        self.scene.add(Primitive::GroupStart {
            transform: Some(format!("translate({left:.2},{top:.2})")),
            title: None,
            extra_attrs: None,
        });
        panel.elements.into_iter().for_each(|element| self.scene.add(element));
        self.scene.add(Primitive::GroupEnd);
    }

    fn ticks(&mut self, frame: Frame, x: &Axis, y: &Axis, grid: bool) {
        const LENGTH: f64 = 3.0;
        let size = f64::from(style::TICK);
        for (value, label) in &x.ticks {
            let at = frame.x + x.share(*value) * frame.width;
            if grid {
                self.line((at, frame.y), (at, frame.bottom()), style::GRID);
            }
            if x.numbered {
                self.line((at, frame.bottom()), (at, frame.bottom() + LENGTH), style::MUTED);
                let below = (at, frame.bottom() + LENGTH + size + 1.0);
                self.text(below, label, style::TICK, style::INK, TextAnchor::Middle);
            }
        }
        for (value, label) in &y.ticks {
            let at = frame.bottom() - y.share(*value) * frame.height;
            if grid {
                self.line((frame.x, at), (frame.right(), at), style::GRID);
            }
            if y.numbered {
                self.line((frame.x - LENGTH, at), (frame.x, at), style::MUTED);
                let left = (frame.x - LENGTH - 2.0, at + 0.35 * size);
                self.text(left, label, style::TICK, style::INK, TextAnchor::End);
            }
        }
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        self.stroke(from, to, colour, LINE_WIDTH);
    }

    /// A straight line.
    pub fn stroke(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, width: f64) {
        let (stroke, stroke_dasharray) = (colour.into(), None);
        self.scene.add(Primitive::Line { x1, y1, x2, y2, stroke, stroke_width: width, stroke_dasharray });
    }

    /// Writes `content` with its baseline at (x, y).
    pub fn text(&mut self, (x, y): (f64, f64), content: &str, size: u32, colour: &str, anchor: TextAnchor) {
        self.scene.add(Primitive::Text {
            x,
            y,
            content: content.to_owned(),
            size,
            anchor,
            rotate: None,
            bold: false,
            color: Some(colour.into()),
        });
    }

    /// A panel's name, in bold, above the left end of its frame.
    pub fn title(&mut self, (x, y): (f64, f64), content: &str) {
        let content = content.to_owned();
        let (size, anchor) = (style::TITLE, TextAnchor::Start);
        self.scene.add(Primitive::Text { x, y, content, size, anchor, rotate: None, bold: true, color: None });
    }

    /// An axis label that reads upwards, centred at (x, y).
    pub fn upright(&mut self, (x, y): (f64, f64), content: &str) {
        self.scene.add(Primitive::Text {
            x,
            y,
            content: content.to_owned(),
            size: style::LABEL,
            anchor: TextAnchor::Middle,
            rotate: Some(-90.0),
            bold: false,
            color: None,
        });
    }

    /// Adds anything else, in the sheet's pixels.
    pub fn add(&mut self, primitive: Primitive) {
        self.scene.add(primitive);
    }

    /// Fills the area inside a path.
    pub fn fill(&mut self, outline: String, colour: &str, opacity: Option<f64>) {
        if outline.is_empty() {
            return;
        }
        self.scene.add(Primitive::Path(Box::new(PathData {
            d: outline,
            fill: Some(colour.into()),
            stroke: Color::None,
            stroke_width: 0.0,
            opacity,
            stroke_dasharray: None,
        })));
    }

    /// A straight dashed line.
    pub fn dashed(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str) {
        let (stroke, stroke_width, stroke_dasharray) = (colour.into(), 1.2, Some("4 3".to_owned()));
        self.scene.add(Primitive::Line { x1, y1, x2, y2, stroke, stroke_width, stroke_dasharray });
    }

    /// Dots at these places.
    pub fn dots(&mut self, places: impl Iterator<Item = (f64, f64)>, radius: f64, colour: &str) {
        let (cx, cy) = places.unzip();
        let (fill, fill_opacity, stroke, stroke_width) = (colour.into(), None, None, None);
        self.scene.add(Primitive::CircleBatch { cx, cy, r: radius, fill, fill_opacity, stroke, stroke_width });
    }

    /// Squares at these places, which take less room in the file than dots: for thousands.
    pub fn squares(&mut self, places: impl Iterator<Item = (f64, f64)>, size: f64, colour: &str) {
        let mut path = String::new();
        for (x, y) in places {
            let (x, y) = (x - size / 2.0, y - size / 2.0);
            let _ = write!(path, "M{x:.1} {y:.1}h{size}v{size}h-{size}z");
        }
        self.fill(path, colour, None);
    }

    /// What an axis shows, below the frame and centred.
    pub fn below(&mut self, frame: Frame, label: &str) {
        self.text((frame.middle().0, frame.bottom() + 32.0), label, style::LABEL, style::INK, TextAnchor::Middle);
    }

    /// A short line of `colour` with its meaning, from x on at height y; returns where it ends.
    pub fn key(&mut self, at: (f64, f64), colour: &str, meaning: &str) -> f64 {
        self.dashed_key(at, colour, None, meaning)
    }

    /// As [`key`](Self::key), with a line of these dashes, as SVG writes them.
    pub fn dashed_key(&mut self, (x, y): (f64, f64), colour: &str, dashes: Option<String>, meaning: &str) -> f64 {
        const LINE: f64 = 16.0;
        self.scene.add(Primitive::Line {
            x1: x,
            y1: y - 4.0,
            x2: x + LINE,
            y2: y - 4.0,
            stroke: colour.into(),
            stroke_width: 2.0,
            stroke_dasharray: dashes,
        });
        self.text((x + LINE + 5.0, y), meaning, style::LABEL, style::INK, TextAnchor::Start);
        // Letters are about 0.6 times as wide as high in the widest of the fonts.
        x + LINE + 5.0 + meaning.chars().count() as f64 * f64::from(style::LABEL) * 0.6 + 12.0
    }

    /// A dot of `colour` with its meaning, like [`key`](Self::key).
    pub fn dot_key(&mut self, (x, y): (f64, f64), colour: &str, meaning: &str) -> f64 {
        self.dots([(x + 4.0, y - 4.0)].into_iter(), 3.0, colour);
        self.text((x + 11.0, y), meaning, style::LABEL, style::INK, TextAnchor::Start);
        x + 11.0 + meaning.chars().count() as f64 * f64::from(style::LABEL) * 0.55 + 10.0
    }

    /// The picture, which scales with the page that shows it. `name` is the figure's and sets its identifiers apart
    /// from those of other figures in one page; `title` is read to those who cannot see the picture.
    pub fn svg(self, name: &str, title: &str) -> String {
        let (width, height) = (self.scene.width, self.scene.height);
        let svg = SvgBackend::new().render_scene(&self.scene);
        let (opening, rest) = svg.split_once('>').expect("an SVG has an opening tag");
        let opening =
            opening.replacen("<svg ", &format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" "), 1);
        renumbered(&format!("{opening}><title>{title}</title>{rest}"), name)
    }
}

/// The plotting library counts its clipping areas through the life of the process; here they are counted anew in each
/// figure, so that the same data give the same bytes.
fn renumbered(svg: &str, name: &str) -> String {
    const COUNTED: &str = "kuva-clip-";
    let mut parts = svg.split(COUNTED);
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let index = seen.iter().position(|known| *known == number).unwrap_or_else(|| {
            seen.push(number);
            seen.len() - 1
        });
        renumbered.push_str(&format!("{name}-clip-{index}{rest}"));
    }
    renumbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_areas_are_counted_anew_in_each_figure() {
        let svg = "id=kuva-clip-31 id=kuva-clip-7 #kuva-clip-31)";
        assert_eq!(renumbered(svg, "losses"), "id=losses-clip-0 id=losses-clip-1 #losses-clip-0)");
    }
}

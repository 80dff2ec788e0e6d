//! A canvas on which panels and text are placed by their pixels.

use kuva::{
    TickFormat,
    backend::svg::SvgBackend,
    render::{
        layout::Layout,
        plots::Plot,
        render::{Primitive, Scene, TextAnchor, render_multiple},
    },
};

use super::style;

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
}

/// One axis of a panel, linear.
#[derive(Clone)]
pub struct Axis {
    pub range: (f64, f64),
    /// Distance between ticks, which begin at a multiple of it.
    pub step: f64,
    /// Whether the ticks are drawn with their numbers.
    pub numbered: bool,
    pub format: TickFormat,
}

pub struct Sheet {
    scene: Scene,
}

/// Room for ticks and their numbers around a panel's frame.
const MARGIN: f64 = 60.0;

impl Sheet {
    pub fn new(height: f64) -> Sheet {
        let mut scene = Scene::new(style::WIDTH, height);
        scene.text_color = Some(style::INK.to_owned());
        scene.font_family = Some(style::FONT_FAMILY.to_owned());
        Sheet { scene }
    }

    /// Draws `plots` with axes whose data area is `frame`.
    pub fn panel(&mut self, frame: Frame, x: &Axis, y: &Axis, grid: bool, plots: Vec<Plot>) {
        let mut layout = Layout::new(x.range, y.range)
            .with_width(frame.width + 2.0 * MARGIN)
            .with_height(frame.height + 2.0 * MARGIN)
            .with_force_margins(MARGIN, MARGIN)
            .with_force_margins_y(MARGIN, MARGIN)
            .with_x_axis_min(x.range.0)
            .with_x_axis_max(x.range.1)
            .with_y_axis_min(y.range.0)
            .with_y_axis_max(y.range.1)
            .with_x_tick_step(x.step)
            .with_y_tick_step(y.step)
            .with_x_tick_format(x.format.clone())
            .with_y_tick_format(y.format.clone())
            .with_tick_size(style::TICK)
            .with_tick_length(3.0)
            .with_axis_line_width(0.8)
            .with_tick_width(0.8)
            .with_grid_line_width(0.8)
            .with_show_grid(grid)
            .with_theme(style::theme())
            .with_font_family(style::FONT_FAMILY);
        layout.suppress_x_ticks = !x.numbered;
        layout.suppress_y_ticks = !y.numbered;
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

    /// A short line of `colour` with its meaning, from x on at height y; returns where it ends.
    pub fn key(&mut self, (x, y): (f64, f64), colour: &str, meaning: &str) -> f64 {
        const LINE: f64 = 16.0;
        self.scene.add(Primitive::Line {
            x1: x,
            y1: y - 4.0,
            x2: x + LINE,
            y2: y - 4.0,
            stroke: colour.into(),
            stroke_width: 2.0,
            stroke_dasharray: None,
        });
        self.text((x + LINE + 5.0, y), meaning, style::LABEL, style::INK, TextAnchor::Start);
        // Helvetica's letters are about half as wide as high.
        x + LINE + 5.0 + meaning.chars().count() as f64 * f64::from(style::LABEL) * 0.52 + 14.0
    }

    /// The picture, which scales with the page that shows it; `title` is read to those who cannot see it.
    pub fn svg(self, title: &str) -> String {
        let (width, height) = (self.scene.width, self.scene.height);
        let svg = SvgBackend::new().render_scene(&self.scene);
        let (opening, rest) = svg.split_once('>').expect("an SVG has an opening tag");
        let opening =
            opening.replacen("<svg ", &format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" "), 1);
        format!("{opening}><title>{title}</title>{rest}")
    }
}

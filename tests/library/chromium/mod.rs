//! Pages acted on in a headless Chromium, by a script put into a copy of them that writes down what it finds.

use std::{
    env,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What a script found: the outcome of each of its checks, and its notes.
#[derive(Debug)]
pub struct Findings(Vec<(String, Value)>);

impl Findings {
    /// Every check holds.
    pub fn all_hold(&self) {
        let broken: Vec<_> = self.0.iter().filter(|(_, value)| *value == Value::Bool(false)).collect();
        assert!(broken.is_empty(), "{broken:#?}\nof {:#?}", self.0);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> + Debug {
        self.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().into_iter()
    }

    /// What was noted under `name`, if it is a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(other, _)| other == name)?.1.as_f64()
    }
}

/// Opens a copy of `page` in a frame `width` pixels wide, runs `script` in it, and hands what it found to `judge`.
/// The script has `check(name, condition)`, `note(name, value)`, `byId(id)`, may await, and sees all that the page's own
/// script defines. Always checked: nothing was complained of, nothing asked for, and the script came to its end.
pub fn act_in(page: &Path, width: usize, script: &str, judge: impl FnOnce(&Findings)) {
    let Some(chromium) = find() else {
        assert!(env::var_os("APD_NEEDS_CHROMIUM").is_none(), "no Chromium, and APD_NEEDS_CHROMIUM is set");
        eprintln!("not tested for want of a Chromium: what {} does", page.display());
        return;
    };
    let html = fs::read_to_string(page).unwrap();
    let (head, rest) = html.split_once("<meta name=\"viewport\"").expect("a page has a viewport");
    let (body, end) = rest.rsplit_once("</body>").expect("a page has a body");
    let copy = page.with_file_name("tested.html");
    let around = page.with_file_name("around.html");
    fs::write(
        &copy,
        format!(
            "{head}<script>{BEFORE}</script><meta name=\"viewport\"{body}<script>{}</script></body>{end}",
            AFTER.replace("/* the test */", script)
        ),
    )
    .unwrap();
    fs::write(
        &around,
        format!(
            "<!DOCTYPE html><title>around</title><pre id=\"findings\"></pre><script>addEventListener(\"message\", \
             ({{ data }}) => (document.getElementById(\"findings\").textContent = \"BEGIN\" + data + \"END\"));</script>\
             <iframe src=\"tested.html\" allow=\"clipboard-write\" style=\"border:0;width:{width}px;height:900px\"></iframe>"
        ),
    )
    .unwrap();
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(&chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=10000"])
        .args(["--no-first-run", "--disable-background-networking", "--window-size=1400,1000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", around.display()))
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", chromium.display()));
    let dom = String::from_utf8_lossy(&output.stdout);
    let (_, rest) = dom.split_once("<pre id=\"findings\">BEGIN").unwrap_or_else(|| {
        panic!("the script did not end\n{}", String::from_utf8_lossy(&output.stderr));
    });
    let text = rest.split_once("END</pre>").expect("the findings end").0;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let findings = Findings(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")));
    for always in ["no complaints", "no requests", "came to its end"] {
        assert!(findings.names().any(|name| name == always), "{findings:#?}");
    }
    findings.all_hold();
    judge(&findings);
}

/// Notes complaints from the first moment on.
const BEFORE: &str = "
    window.complaints = [];
    addEventListener('error', (event) => complaints.push(`${event.message} (line ${event.lineno})`));
    addEventListener('unhandledrejection', (event) => complaints.push(String(event.reason)));
    addEventListener('securitypolicyviolation', (event) => complaints.push(`${event.violatedDirective} ${event.blockedURI}`));
    for (const way of ['error', 'warn']) {
        const original = console[way];
        console[way] = (...words) => { complaints.push(words.join(' ')); original(...words); };
    }";

/// Runs the test and sends what it found to the page around.
const AFTER: &str = "
    addEventListener('load', async () => {
        const findings = [];
        const note = (name, value) => findings.push([name, value]);
        const check = (name, condition) => note(name, Boolean(condition));
        const byId = (id) => document.getElementById(id);
        const pause = () => new Promise((go) => setTimeout(go, 50));
        try {
            /* the test */
            check('came to its end', true);
        } catch (error) {
            complaints.push(error.stack);
        }
        await pause();
        note('complaints', complaints.join('; '));
        check('no complaints', complaints.length === 0);
        note('requests', performance.getEntriesByType('resource').map((entry) => entry.name.slice(0, 100)).join('; '));
        check('no requests', performance.getEntriesByType('resource').every((entry) => entry.name.startsWith('data:')));
        parent.postMessage(JSON.stringify(findings), '*');
    });";

fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("APD_CHROMIUM") {
        return Some(named.into());
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

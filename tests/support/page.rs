//! A page as a person sees it: text, labels, buttons, problems.

use actix_web::http::header::HeaderMap;
use scraper::{ElementRef, Html, Selector};

/// An answer and where it came from.
pub struct ResultPage {
    pub path: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

/// A form about to be sent.
pub struct Filled {
    pub action: String,
    pub post: bool,
    pub multipart: bool,
    pub fields: Vec<(String, String)>,
}

impl ResultPage {
    /// The HTML.
    pub fn html(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Visible text of the page, white space folded.
    pub fn text(&self) -> String {
        let html = Html::parse_document(&self.html());
        let body = html.select(&selector("body")).next();
        let words: Vec<String> =
            body.map(|body| body.text().map(str::to_owned).collect()).unwrap_or_default();
        fold(&words.join(" "))
    }

    /// The main heading.
    pub fn heading(&self) -> String {
        let html = Html::parse_document(&self.html());
        html.select(&selector("h1")).next().map(inner_text).unwrap_or_default()
    }

    /// Value of the field with this label; of a list, the chosen entry.
    pub fn value(&self, label: &str) -> String {
        let html = Html::parse_document(&self.html());
        let field =
            field(&html, label).unwrap_or_else(|| panic!("no field {label:?} on {}", self.text()));
        if field.value().name() == "select" {
            return chosen(field);
        }
        field.value().attr("value").unwrap_or_default().to_owned()
    }

    /// Entries of the list with this label.
    pub fn options(&self, label: &str) -> Vec<String> {
        let html = Html::parse_document(&self.html());
        let list =
            field(&html, label).unwrap_or_else(|| panic!("no list {label:?} on {}", self.text()));
        list.select(&selector("option")).map(inner_text).collect()
    }

    /// The sentence beside the field with this label that says what is wrong with it.
    pub fn problem(&self, label: &str) -> Option<String> {
        let html = Html::parse_document(&self.html());
        let field = field(&html, label)?;
        field.value().attr("aria-invalid")?;
        let ids = field.value().attr("aria-describedby")?.to_owned();
        ids.split(' ')
            .filter_map(|id| html.select(&selector(&format!("#{id}.wrong"))).next())
            .map(inner_text)
            .next()
    }

    /// Where a page leads that goes on by itself.
    pub fn way_on(&self) -> String {
        let html = Html::parse_document(&self.html());
        let refresh = html.select(&selector("meta[http-equiv=refresh]")).next();
        let refresh = refresh.unwrap_or_else(|| panic!("no way on in {}", self.text()));
        let content = refresh.value().attr("content").expect("a content");
        content.strip_prefix("0; url=").expect("at once").to_owned()
    }

    /// The token of its forms.
    pub fn csrf(&self) -> String {
        let html = Html::parse_document(&self.html());
        let token = html
            .select(&selector("input[name=csrf]"))
            .next()
            .and_then(|input| input.value().attr("value"));
        token.unwrap_or_else(|| panic!("no form on {}", self.text())).to_owned()
    }

    /// A header, when the answer has it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The text of every element that a selector finds.
    pub fn all(&self, wanted: &str) -> Vec<String> {
        Html::parse_document(&self.html()).select(&selector(wanted)).map(inner_text).collect()
    }

    /// The name of the field with this label.
    pub fn name_of(&self, label: &str) -> String {
        let html = Html::parse_document(&self.html());
        let field =
            field(&html, label).unwrap_or_else(|| panic!("no field {label:?} on {}", self.text()));
        field.value().attr("name").expect("a name").to_owned()
    }

    /// The form that the button with this text sends, with what was typed into it.
    pub fn form(&self, button: &str, entered: &[(String, String)]) -> Filled {
        let html = Html::parse_document(&self.html());
        let wanted = |form: &ElementRef| {
            form.select(&selector("button")).any(|found| inner_text(found) == button)
        };
        let form = html.select(&selector("form")).find(wanted).unwrap_or_else(|| {
            panic!("no button {button:?} on {} ({}): {}", self.path, self.status, self.text())
        });
        let mut fields = Vec::new();
        for input in form.select(&selector("input, button[name]")) {
            // Of several buttons the one that is pressed is sent.
            if input.value().name() == "button" && inner_text(input) != button {
                continue;
            }
            let input = input.value();
            let (Some(name), kind) = (input.attr("name"), input.attr("type").unwrap_or("text"))
            else {
                continue;
            };
            let given = entered
                .iter()
                .rev()
                .find(|(entered, _)| entered == name)
                .map(|(_, value)| value.as_str());
            let unticked = kind == "checkbox" && given.is_none() && input.attr("checked").is_none();
            if kind == "file" || unticked {
                continue;
            }
            let value = given.or(input.attr("value")).unwrap_or_default();
            fields.push((name.to_owned(), value.to_owned()));
        }
        for list in form.select(&selector("select[name]")) {
            let name = list.value().attr("name").expect("a name");
            let given = entered
                .iter()
                .rev()
                .find(|(entered, _)| entered == name)
                .map(|(_, value)| value.clone());
            fields.push((name.to_owned(), given.unwrap_or_else(|| chosen(list))));
        }
        Filled {
            action: form.value().attr("action").unwrap_or(&self.path).to_owned(),
            post: form.value().attr("method") == Some("post"),
            multipart: form.value().attr("enctype") == Some("multipart/form-data"),
            fields,
        }
    }
}

fn field<'html>(html: &'html Html, label: &str) -> Option<ElementRef<'html>> {
    let label = html.select(&selector("label[for]")).find(|found| inner_text(*found) == label)?;
    let id = label.value().attr("for")?;
    html.select(&selector(&format!("#{id}"))).next()
}

/// The value of the option that is selected, or else of the first one.
fn chosen(list: ElementRef) -> String {
    let (selected, first) = (selector("option[selected]"), selector("option"));
    let option =
        list.select(&selected).next().or_else(|| list.select(&first).next()).expect("an option");
    option.value().attr("value").map_or_else(|| inner_text(option), str::to_owned)
}

fn inner_text(element: ElementRef) -> String {
    fold(&element.text().collect::<String>())
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector")
}

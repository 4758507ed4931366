//! Tests of the message texts.

use std::fs;

use super::*;

fn ours() -> Templates {
    Templates::open("Vestibule", "example.com", None).unwrap()
}

fn render(email_message: &EmailMessage) -> MessageTexts {
    let to = Email::parse("ann@example.com").unwrap();
    let at = "2026-11-21T04:12:00Z".parse().unwrap();
    ours().render(email_message, &to, at).unwrap()
}

fn emails(name: &str) -> Vec<EmailMessage> {
    EmailMessage::samples(name)
}

#[test]
fn a_confirmation_reads_well() {
    insta::assert_snapshot!(render(&emails("Ann")[0]).text, @r"
    Hello Ann,

    thank you for signing up. One step is left: show us that ann@example.com is
    yours, and the door is open.

    Confirm my address:

    https://example.com/verify?key=k&action=a

    The link is good for 24 hours and works once.

    Or type this code on the page where you asked for this mail:

    314159

    The code is good for 10 minutes, and only in that browser.
    Nobody who calls or writes to you needs it.


    Was this not you? Somebody may have mistyped their address. You need do
    nothing: without a press nobody gets in with your address.

    Asked for on 21 November 2026 at 04:12 UTC,
    from Firefox on Linux, 203.0.113.7.

    -- 
    Vestibule
    This mail is for ann@example.com. We never ask for your password by mail.
    ");
}

/// S21
#[test]
fn an_owner_reads_what_was_done_by_whom_and_what_to_do_about_it() {
    let told = emails("Ann")
        .into_iter()
        .find(|email_message| email_message.name() == "email_changed")
        .unwrap();
    insta::assert_snapshot!(render(&told).text, @r"
    Hello Ann,

    your account with Vestibule now belongs to a…@new.example.
    From now on you sign in with that address, and our mails go there;
    this is the last one to ann@example.com.


    Was this not you? Then somebody else has taken your account. You can
    bring it back to this address, as long as the link here is good.

    It was not me, take my account back:

    https://example.com/not-me?key=k

    That link is good for 7 days, and says what it does before it does
    anything.

    Done on 21 November 2026 at 04:12 UTC,
    from Firefox on Linux, 203.0.113.7.

    -- 
    Vestibule
    This mail is for ann@example.com. We never ask for your password by mail.
    ");
}

#[test]
fn what_an_email_does_not_have_is_left_out() {
    let mut emails = emails("Ann");
    for email_message in &mut emails {
        match email_message {
            EmailMessage::Told(_, notice) => {
                (notice.account_recovery, notice.asked_by) = (None, None)
            }
            EmailMessage::ConfirmEmail(emailed) | EmailMessage::MagicLink(emailed) => {
                (emailed.code, emailed.asked_by) = (None, None)
            }
            _ => continue,
        }
        let texts = render(email_message);
        for text in [&texts.text, &texts.html] {
            assert!(
                !text.contains("not-me") && !text.contains("314159") && !text.contains("Firefox"),
                "{text}"
            );
        }
        assert!(texts.text.contains("at 04:12 UTC."), "{}", texts.text);
    }
}

#[test]
fn every_email_renders_and_fetches_nothing() {
    for email_message in emails("Ann & Söhne") {
        let texts = render(&email_message);
        let html = &texts.html;
        assert!(
            !html.contains("src=") && !html.contains("url(") && !html.contains("<link"),
            "{html}"
        );
        assert!(
            html.contains("ann@example.com") && texts.text.contains("ann@example.com"),
            "{}",
            email_message.name()
        );
        assert!(!texts.subject.is_empty() && !texts.subject.contains('\n'), "{:?}", texts.subject);
        assert!(
            texts.text.lines().all(|line| line.chars().count() <= 78 || line.contains("http")),
            "{}",
            texts.text
        );
        if email_message.greeted().is_some() {
            assert!(
                html.contains("Ann &amp; Söhne") && texts.text.contains("Ann & Söhne"),
                "{}",
                email_message.name()
            );
        }
    }
}

/// S63
#[test]
fn nobody_sends_words_of_their_own_through_us() {
    for name in [
        "visit evil.example",
        "https://evil.example",
        "<b>x</b>",
        "www evil",
        "a\\\\b",
        "mail@evil.example",
    ] {
        for email_message in emails(name) {
            let texts = render(&email_message);
            assert!(
                !texts.text.contains("evil")
                    && !texts.html.contains("evil")
                    && !texts.html.contains("<b>"),
                "{name}"
            );
        }
    }
}

/// S66. Letters of the basic alphabet of GSM 03.38, of which one SMS holds 160.
#[test]
fn every_text_is_one_sms_and_binds_its_code_to_the_host() {
    for message in SmsMessage::samples() {
        let text = ours().render_sms(&message, "+4915112345678").unwrap();
        let basic =
            |letter: char| letter.is_ascii_alphanumeric() || " \n.,:;?!@#+-'\"/()".contains(letter);
        assert!(text.len() <= 160 && text.chars().all(basic), "{}: {text}", text.len());
        assert_eq!(
            text.lines().last() == Some("@example.com #314159"),
            message.code().is_some(),
            "{text}"
        );
    }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, source).unwrap();
    }
    folder
}

fn open(files: &[(&str, &str)]) -> Result<Templates, String> {
    let folder = folder(files);
    let opened = Templates::open("Vestibule", "example.com", Some(folder.path()));
    opened
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "theirs"))
}

#[test]
fn every_template_belongs_to_a_message_and_every_message_has_its_own() {
    let mut names = vec!["mail/layout.html".to_owned(), "mail/layout.txt".to_owned()];
    for email_message in emails("Ann") {
        names.extend(
            ["subject.txt", "body.txt", "body.html"]
                .map(|part| format!("mail/{}/{part}", email_message.name())),
        );
    }
    names.extend(SmsMessage::samples().iter().map(|message| format!("sms/{}.txt", message.name())));
    let mut embedded: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
    names.sort();
    embedded.sort_unstable();
    assert_eq!(names, embedded);
}

#[test]
fn an_operator_replaces_any_template_and_the_rest_stays_ours() {
    let templates = open(&[
        ("mail/magic_link/subject.txt", "Dein Link"),
        ("mail/layout.txt", "{% block message %}{% endblock %} [{{ product_name }}]"),
        ("sms/sign_in.txt", "{{ code }} ist dein Code."),
        ("mail/README.md", "notes"),
        (".git/config", "notes"),
    ])
    .unwrap();
    let to = Email::parse("ann@example.com").unwrap();
    let texts = templates.render(&emails("Ann")[2], &to, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(texts.subject, "Dein Link");
    assert!(
        texts.text.contains("here is the link") && texts.text.ends_with("[Vestibule]"),
        "{}",
        texts.text
    );
    assert!(texts.html.contains("Come in"));
    assert_eq!(
        templates.render_sms(&SmsMessage::samples()[3], "+4915112345678").unwrap(),
        "314159 ist dein Code."
    );
}

/// altogic-protocol.md §10
#[test]
fn the_placeholders_of_altogic_still_work() {
    let html = "<p>Hi {{user.name}} ({{ user.email }}), <a \
        href=\"{{token.confirmationURL}}\">{{token.email}}</a></p>";
    let templates = open(&[
        ("mail/confirm_email/body.html", html),
        ("mail/confirm_email/subject.txt", "{{user.name}}, confirm {{token.email}}"),
        (
            "sms/verify_phone.txt",
            "Hello{{user.name}}, {{token.code}} for {{token.phone}} and {{user.phone}}",
        ),
    ])
    .unwrap();
    let to = Email::parse("ann@example.com").unwrap();
    let texts = templates.render(&emails("Ann <3")[0], &to, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(texts.subject, ", confirm ann@example.com", "a name with a bracket is left out");
    let texts = templates.render(&emails("Ann & Ben")[0], &to, Timestamp::UNIX_EPOCH).unwrap();
    let link = "https:&#x2f;&#x2f;example.com&#x2f;verify?key=k&amp;action=a";
    let html = format!(
        "<p>Hi Ann &amp; Ben (ann@example.com), <a href=\"{link}\">ann@example.com</a></p>"
    );
    assert_eq!(texts.html, html);
    let text = templates.render_sms(&SmsMessage::samples()[0], "+4915112345678").unwrap();
    assert_eq!(text, "Hello, 314159 for +4915112345678 and +4915112345678");
}

/// S62
#[test]
fn a_subject_stays_on_one_line_whatever_is_in_it() {
    let subject = "{{ name }}\r\nBcc: ann@example.com\n\u{2028}x\0y";
    let templates = open(&[("mail/magic_link/subject.txt", subject)]).unwrap();
    let to = Email::parse("ann@example.com").unwrap();
    let texts = templates.render(&emails("Ann\r\nTo: x")[2], &to, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(texts.subject, "Bcc: ann@example.com x y");
    let texts =
        templates.render(&emails("Ann\r\n\u{85}Ben")[2], &to, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(texts.subject, "AnnBen Bcc: ann@example.com x y");
}

#[test]
fn a_mistake_names_its_file_and_line() {
    for (name, source, said) in [
        ("sms/sign_inn.txt", "x", "theirs/sms/sign_inn.txt: it belongs to no message"),
        ("pages/sign_in.html", "x", "theirs/pages/sign_in.html: it belongs to no message"),
        ("sms/sign_in.txt", "a\n{{ code", "theirs/sms/sign_in.txt, line 2: "),
        ("sms/sign_in.txt", "a\n\n{{ cod }}", "theirs/sms/sign_in.txt, line 3: "),
        ("sms/password_changed.txt", "{{ code }}", "theirs/sms/password_changed.txt, line 1: "),
        ("sms/sign_in.txt", "{{ token.confirmationURL }}", "theirs/sms/sign_in.txt, line 1: "),
        (
            "mail/magic_link/body.txt",
            "\n{{ link|shout }}",
            "theirs/mail/magic_link/body.txt, line 2: ",
        ),
        (
            "mail/magic_link/body.txt",
            "{% extends \"else.txt\" %}",
            "theirs/mail/magic_link/body.txt, line 1: ",
        ),
        ("mail/layout.html", "a\n{{ nothing.like.it }}", "theirs/mail/layout.html, line 2: "),
    ] {
        let error = open(&[(name, source)]).err().unwrap_or_default();
        assert!(error.starts_with(said), "{said} is not how this begins: {error}");
    }
}

#[test]
fn a_file_that_is_no_text_is_named() {
    let folder = folder(&[("sms/sign_in.txt", "")]);
    fs::write(folder.path().join("sms/sign_in.txt"), b"\xff\xfe").unwrap();
    let error =
        Templates::open("Vestibule", "example.com", Some(folder.path())).err().unwrap().to_string();
    assert!(error.contains("sms/sign_in.txt: it cannot be read"), "{error}");
}

#[test]
fn a_text_that_costs_more_than_one_sms_is_told() {
    assert!(ours().long_sms().unwrap().is_empty());
    let long = format!("{{{{ code }}}} {}", "й".repeat(64));
    assert_eq!(open(&[("sms/sign_in.txt", &long)]).unwrap().long_sms().unwrap(), [("sign_in", 2)]);
}

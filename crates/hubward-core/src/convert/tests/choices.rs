//! Enumerations and owners.

use super::{
    ConvertContext, Converted, Owners, PropertyType, Value, becomes, choice, convert, decimal, property, refuses, text,
    to,
};
use crate::convert::append_form;
use crate::spec::Conversion;

#[test]
fn an_enumeration_takes_exact_internal_values() {
    let property =
        choice("select", &[("bucket_1", "1 Star"), ("bucket_2", "2 Stars"), ("5", "five"), ("a,b", "A and B")]);
    becomes(
        &property,
        &[
            (text("bucket_1"), "bucket_1"),
            (Value::Int(5), "5"),
            (decimal("5.0"), "5"),
            (Value::Float(5.0), "5"),
            (text("a,b"), "a,b"),
        ],
    );
    becomes(&property, &[(Value::List(vec![text("bucket_2")]), "bucket_2"), (Value::List(vec![]), "")]);
    refuses(
        &property,
        "INVALID_OPTION",
        &[
            text("gold"),
            text("Bucket_1"),
            text("1 Star"),
            text(" bucket_1"),
            Value::Bool(true),
            Value::List(vec![text("5"), text("5")]),
        ],
    );
    for (value, hint) in [
        ("Bucket_1", "case-sensitive"),
        ("1 star", "internal value is \"bucket_1\""),
        (" bucket_1", "blanks"),
        ("buckt_1", "did you mean \"bucket_1\""),
        ("zzz", "internal values are \"bucket_1\", \"bucket_2\""),
    ] {
        let reason = to(&text(value), &property).unwrap_err();
        assert!(reason.text.contains(hint), "{value}: {}", reason.text);
    }
}

#[test]
fn without_options_nothing_can_be_checked() {
    becomes(&choice("select", &[]), &[(text("anything"), "anything"), (Value::Int(5), "5")]);
    let mut external = choice("select", &[("a", "A")]);
    external.external_options = true;
    becomes(&external, &[(text("b"), "b")]);
    becomes(&choice("checkbox", &[]), &[(text("a; b"), "a;b")]);
}

#[test]
fn an_enumeration_of_true_and_false_reads_booleans() {
    let property = choice("booleancheckbox", &[("true", "Yes"), ("false", "No")]);
    becomes(&property, &[(Value::Bool(true), "true"), (Value::Int(0), "false"), (text("YES"), "true")]);
    refuses(&property, "INVALID_OPTION", &[text("maybe")]);
}

#[test]
fn several_options_are_joined_by_semicolons() {
    let property = choice("checkbox", &[("A", "a"), ("B", "b"), ("x,y", "with comma"), ("1", "one")]);
    becomes(
        &property,
        &[
            (Value::List(vec![text("A"), text("B")]), "A;B"),
            (Value::List(vec![text("A"), Value::Null, text("A"), Value::Int(1)]), "A;1"),
            (Value::List(vec![]), ""),
            (text("A;B"), "A;B"),
            (text("A; B ;"), "A;B"),
            (text(";A;B"), ";A;B"),
            (text("x,y;A"), "x,y;A"),
            (text("x,y"), "x,y"),
            (text(r#"["A","x,y"]"#), "A;x,y"),
            (text("[]"), ""),
        ],
    );
    refuses(
        &property,
        "INVALID_OPTION",
        &[text("A,B"), text("A;C"), Value::List(vec![text("A;B")]), text(";"), Value::Bool(true)],
    );
    assert!(to(&text("A,B"), &property).unwrap_err().text.contains("semicolons"));
    assert_eq!(append_form("A;B"), ";A;B");
    assert_eq!(append_form(";A"), ";A");
    assert_eq!(append_form(""), "");
}

#[test]
fn an_owner_is_an_id_or_an_address_that_is_looked_up() {
    let mut by_reference = property("account_manager", PropertyType::Enumeration);
    by_reference.referenced_object_type = Some("OWNER".to_owned());
    for property in [by_reference, property("hubspot_owner_id", PropertyType::Enumeration)] {
        let owners = Owners::known([("101".to_owned(), Some("Jane@Example.com".to_owned())), ("102".to_owned(), None)]);
        let ctx = ConvertContext { owners: &owners, version_normalises_dates: false };
        let owner = |value: &Value| convert(value, &property, Conversion::Auto, &ctx);
        let found = |id: &str| Ok(Converted::Text(id.to_owned()));
        assert_eq!(owner(&Value::Int(101)), found("101"));
        assert_eq!(owner(&decimal("102.0")), found("102"));
        assert_eq!(owner(&text(" jane@example.COM ")), found("101"));
        for (value, hint) in
            [(Value::Int(7), "no owner"), (text("jan@example.com"), "did you mean"), (text("Jane"), "neither")]
        {
            let reason = owner(&value).unwrap_err();
            assert_eq!(reason.category.as_deref(), Some("UNKNOWN_OWNER"));
            assert!(reason.text.contains(hint), "{}", reason.text);
        }
        assert_eq!(to(&text("7"), &property), found("7"), "unknown owners: an id passes");
        assert!(to(&text("a@b.c"), &property).unwrap_err().text.contains("could not be read"));
    }
}

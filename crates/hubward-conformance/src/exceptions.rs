//! Where we differ from HubSpot's documents on purpose, because a live answer or HubSpot's own guide says otherwise.
//!
//! The table of `docs/conformance.md` is written from this one, and a test holds the two together. Each entry is needed:
//! the sandbox's and the client's tests fail when an entry covers nothing any more.

use crate::disagreement::{Disagreement, Part};

/// One deliberate difference. In the patterns `*` stands for any text.
#[derive(Debug, PartialEq, Eq)]
pub struct Exception {
    pub part: Part,
    /// Of method and path template.
    pub operation: &'static str,
    /// Of [`Disagreement::pointer`].
    pub pointer: &'static str,
    /// Of [`Disagreement::what`].
    pub what: &'static str,
    pub why: &'static str,
    /// Tags of the sources in section 17 of our reference of HubSpot's API, as they stand there; empty where nobody has
    /// published an answer, so that either may be right.
    pub evidence: &'static [&'static str],
}

/// Every deliberate difference.
pub const EXCEPTIONS: &[Exception] = &[
    // --- what our client sends ---
    Exception {
        part: Part::Request,
        operation: "POST */objects/*",
        pointer: "*",
        what: "lacks `associations`",
        why: "a record is created without associations by leaving them out, as HubSpot's guides do",
        evidence: &["DOC-OBJ", "DOC-CONTACTS"],
    },
    Exception {
        part: Part::Request,
        operation: "POST */search",
        pointer: "",
        what: "lacks *",
        why: "every part of a search may be left out, as HubSpot's guide does",
        evidence: &["DOC-SEARCH"],
    },
    Exception {
        part: Part::Request,
        operation: "POST */search",
        pointer: "/sorts/*",
        what: "* is not of type \"string\"",
        why: "a sort is an object with property and direction",
        evidence: &["DOC-SEARCH"],
    },
    Exception {
        part: Part::Request,
        operation: "POST /oauth/v2/private-apps/get/access-token-info",
        pointer: "",
        what: "there is no such operation",
        why: "the documents leave out how a private app's token is looked into",
        evidence: &[],
    },
    // --- what the sandbox takes from other clients ---
    Exception {
        part: Part::Taken,
        operation: "* */objects/*",
        pointer: "*/properties/*",
        what: "* is not of type \"string\"",
        why: "values may be JSON numbers and booleans; HubSpot makes text of them",
        evidence: &["LIVE-AMP"],
    },
    Exception {
        part: Part::Taken,
        operation: "POST */batch/read",
        pointer: "",
        what: "lacks *",
        why: "fields that the documents mark as required may be left out",
        evidence: &["LIVE-KALUP"],
    },
    Exception {
        part: Part::Taken,
        operation: "POST /crm-object-schemas/*",
        pointer: "",
        what: "lacks *",
        why: "name, labels and primaryDisplayProperty are enough for a schema",
        evidence: &["LIVE-KALUP"],
    },
    Exception {
        part: Part::Taken,
        operation: "* /crm/*properties/*",
        pointer: "*/options/*",
        what: "lacks `hidden`",
        why: "fields that the documents mark as required may be left out",
        evidence: &["LIVE-KALUP"],
    },
    Exception {
        part: Part::Taken,
        operation: "* /crm/*",
        pointer: "*/*",
        what: "lacks `displayOrder`",
        why: "the order of options and stages may be left out",
        evidence: &["MAP", "LIVE-KALUP"],
    },
    Exception {
        part: Part::Taken,
        operation: "PATCH /crm/*properties/*",
        pointer: "/hasUniqueValue",
        what: "is not in the schema",
        why: "it cannot be changed, and is ignored with 200",
        evidence: &["LIVE-KALUP"],
    },
    Exception {
        part: Part::Taken,
        operation: "* /crm/*pipelines/*",
        pointer: "*/metadata/probability",
        what: "* is not of type \"string\"",
        why: "a probability may be a JSON number; HubSpot makes text of it",
        evidence: &["LIVE-KALUP"],
    },
    Exception {
        part: Part::Taken,
        operation: "POST *",
        pointer: "*/id",
        what: "* is not of type \"string\"",
        why: "the id of a record may be a JSON number",
        evidence: &["DOC-OBJ"],
    },
    Exception {
        part: Part::Taken,
        operation: "GET *",
        pointer: "?archived",
        what: "* is not of type \"boolean\"",
        why: "HubSpot's own Python client writes True",
        evidence: &["SDKs"],
    },
    Exception {
        part: Part::Taken,
        operation: "POST /crm/properties/2026-09/*",
        pointer: "/numberDisplayHint",
        what: "is not in the schema",
        why: "the documents of v3 and 2026-03 have it; the one of 2026-09 is older than they are",
        evidence: &["SPEC"],
    },
    Exception {
        part: Part::Taken,
        operation: "* /oauth/authorize",
        pointer: "",
        what: "there is no such operation",
        why: "the documents leave out the page on which a user lets an app in",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Taken,
        operation: "DELETE /appinstalls/*",
        pointer: "",
        what: "there is no such operation",
        why: "the documents leave out how an app is taken out of an account",
        evidence: &["DOC-OAUTH"],
    },
    // --- what the sandbox answers: errors ---
    Exception {
        part: Part::Answer,
        operation: "*",
        pointer: "/status",
        what: "is not in the schema",
        why: "every error begins with its status",
        evidence: &["DOC-ERR", "LIVE-AMP"],
    },
    Exception {
        part: Part::Answer,
        operation: "*",
        pointer: "",
        what: "lacks `category`",
        why: "unreadable JSON, unknown object types and unknown ids are answered without it",
        evidence: &["LIVE-AMP", "DOC-ERR"],
    },
    Exception {
        part: Part::Answer,
        operation: "*",
        pointer: "/policyName",
        what: "is not in the schema",
        why: "a 429 names the limit",
        evidence: &["DOC-USAGE"],
    },
    Exception {
        part: Part::Answer,
        operation: "*",
        pointer: "/errorType",
        what: "is not in the schema",
        why: "a 429 has it beside the category",
        evidence: &["DOC-USAGE"],
    },
    Exception {
        part: Part::Answer,
        operation: "*",
        pointer: "/requestId",
        what: "is not in the schema",
        why: "a 429 has it beside the correlation id",
        evidence: &["DOC-USAGE"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST */batch/*",
        pointer: "/errors/*",
        what: "lacks `links`",
        why: "the errors of a 207 leave out what they do not have",
        evidence: &["LIVE-AMP"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST */batch/*",
        pointer: "/errors/*",
        what: "lacks `errors`",
        why: "the errors of a 207 leave out what they do not have",
        evidence: &["LIVE-AMP"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST */batch/*",
        pointer: "/errors/*",
        what: "lacks `context`",
        why: "the errors of a 207 leave out what they do not have",
        evidence: &["LIVE-AMP"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST */batch/*",
        pointer: "/errors/*/subCategory",
        what: "* is not of type \"object\"",
        why: "a subcategory is text",
        evidence: &["LIVE-AMP"],
    },
    // --- what the sandbox answers: successes ---
    Exception {
        part: Part::Answer,
        operation: "* /crm/properties/2026-09/*",
        pointer: "*/numberDisplayHint",
        what: "is not in the schema",
        why: "the documents of v3 and 2026-03 have it; the one of 2026-09 is older than they are",
        evidence: &["SPEC"],
    },
    Exception {
        part: Part::Answer,
        operation: "* */objects/*",
        pointer: "*/properties/*",
        what: "null is not of type \"string\"",
        why: "a property that exists and is empty is null",
        evidence: &["DOC-CONTACTS"],
    },
    Exception {
        part: Part::Answer,
        operation: "*/associations/*",
        pointer: "*ObjectId",
        what: "* is not of type \"string\"",
        why: "record ids in answers about associations are numbers",
        evidence: &["LIVE-AMP"],
    },
    Exception {
        part: Part::Answer,
        operation: "*/associations/*",
        pointer: "*/label",
        what: "null is not of type \"string\"",
        why: "an association without a label has the label null",
        evidence: &["LIVE-AMP"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /crm/properties/2026-09/{objectType}/batch/*",
        pointer: "",
        what: "the status is not listed",
        why: "207 is answered; the document of this area was frozen before it listed 207 anywhere",
        evidence: &["LIVE-KALUP", "GA-UPSERT"],
    },
    Exception {
        part: Part::Answer,
        operation: "GET /crm/*owners*",
        pointer: "*/userId",
        what: "null is not of type \"integer\"",
        why: "an archived owner has no user any more",
        evidence: &[],
    },
    Exception {
        part: Part::Answer,
        operation: "PUT */memberships/*",
        pointer: "",
        what: "lacks `record*",
        why: "the answer to a change of members may leave out what is empty",
        evidence: &["DOC-LISTADD"],
    },
    // --- what the sandbox answers: tokens ---
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/*",
        pointer: "/error*",
        what: "is not in the schema",
        why: "refusals of tokens have OAuth's own form: error and error_description",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/*",
        pointer: "",
        what: "lacks `correlationId`",
        why: "refusals of tokens have OAuth's own form",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/*",
        pointer: "",
        what: "the status is not listed",
        why: "some of these documents list no success at all, only errors",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/v1/token",
        pointer: "",
        what: "lacks `token_use`",
        why: "v1 answers with token type, both tokens and expiry only",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/*/token/introspect",
        pointer: "",
        what: "lacks `*",
        why: "of a token that is not active nothing more is told, as RFC 7662 has it",
        evidence: &[],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/2026-09/token/introspect",
        pointer: "/*",
        what: "is not in the schema",
        why: "this document names `active` alone; those of v3 and 2026-03 describe the rest",
        evidence: &["SPEC"],
    },
    Exception {
        part: Part::Answer,
        operation: "* /oauth/authorize",
        pointer: "",
        what: "there is no such operation",
        why: "the documents leave out the page on which a user lets an app in",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Answer,
        operation: "DELETE /appinstalls/*",
        pointer: "",
        what: "there is no such operation",
        why: "the documents leave out how an app is taken out of an account",
        evidence: &["DOC-OAUTH"],
    },
    Exception {
        part: Part::Answer,
        operation: "POST /oauth/v2/private-apps/get/access-token-info",
        pointer: "",
        what: "there is no such operation",
        why: "the documents leave out how a private app's token is looked into",
        evidence: &[],
    },
];

/// The first exception that covers a disagreement.
pub(crate) fn excuse(disagreement: &Disagreement) -> Option<&'static Exception> {
    EXCEPTIONS.iter().find(|exception| {
        (exception.part == disagreement.part || (exception.part == Part::Request && disagreement.part == Part::Taken))
            && like(exception.operation, &disagreement.operation)
            && like(exception.pointer, &disagreement.pointer)
            && like(exception.what, &disagreement.what)
    })
}

/// The table as Markdown, for `docs/conformance.md`.
#[must_use]
pub fn table() -> String {
    let mut out = "| who | operation | where | what | why | evidence |\n|---|---|---|---|---|---|\n".to_owned();
    for one in EXCEPTIONS {
        let pointer = if one.pointer.is_empty() { "the whole".to_owned() } else { format!("`{}`", one.pointer) };
        let evidence = if one.evidence.is_empty() { "none published".to_owned() } else { one.evidence.join(", ") };
        let what = one.what.replace('`', "");
        let row = [one.part.name(), &format!("`{}`", one.operation), &pointer, &what, one.why, &evidence].join(" | ");
        out.push_str(&format!("| {row} |\n"));
    }
    out
}

/// The exceptions of a part that are not among those that covered something.
#[must_use]
pub fn unused(part: Part, excused: &[&'static Exception]) -> Vec<&'static Exception> {
    EXCEPTIONS.iter().filter(|one| one.part == part && !excused.contains(one)).collect()
}

/// Whether a text fits a pattern, in which `*` stands for any text.
fn like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    loop {
        if like(rest, text) {
            return true;
        }
        let mut chars = text.chars();
        if chars.next().is_none() {
            return false;
        }
        text = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(like("POST */batch/*", "POST /crm/objects/2026-09/{objectType}/batch/read"));
        assert!(like("*", ""));
        assert!(like("/a", "/a"));
        assert!(!like("/a", "/ab"));
        assert!(!like("POST */batch/*", "POST /crm/objects"));
    }
}

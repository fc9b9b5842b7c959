use hubward_hubspot::AssociationResult;

use super::*;

fn pair(from: u64, to: u64) -> Pair {
    Pair { task: 0, from, to, types: Vec::new() }
}

fn result(from: &str, to: &str) -> AssociationResult {
    AssociationResult { from: from.to_owned(), to: to.to_owned(), labels: Vec::new() }
}

fn unknown(ids: &[&str]) -> ApiError {
    let mut error = ApiError::new(ErrorKind::Validation, "5 is not a valid ID");
    error.sub_category = Some("crm.associations.INVALID_IDENTIFIER".to_owned());
    error.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    error
}

fn accounted(step: Step, pairs: Vec<Pair>, reply: AssociationReply) -> (Vec<(Pair, Word)>, Left) {
    let mut words = Vec::new();
    let left = account(step, pairs, reply, &mut words);
    (words, left)
}

#[test]
fn pairs_are_paired_by_ids_and_what_is_left_out_is_not_done() {
    let reply = AssociationReply { results: vec![result("2", "9"), result("9", "2")], ..AssociationReply::default() };
    let (words, left) = accounted(Step::Associate, vec![pair(1, 9), pair(2, 9)], reply);
    assert_eq!(words, [(pair(2, 9), Word::Done)]);
    assert_eq!(left.pairs, [pair(1, 9)]);
}

#[test]
fn an_unknown_id_is_told_from_its_neighbours_by_its_end() {
    let reply = AssociationReply {
        results: vec![result("2", "9")],
        errors: vec![unknown(&["5"])],
        ..AssociationReply::default()
    };
    let (words, left) = accounted(Step::Associate, vec![pair(1, 5), pair(2, 9)], reply.clone());
    assert_eq!(words, [(pair(2, 9), Word::Done), (pair(1, 5), Word::TargetGone)]);
    assert!(left.pairs.is_empty() && left.named.is_empty());
    let (words, _) = accounted(Step::Associate, vec![pair(5, 1), pair(2, 9)], reply.clone());
    assert_eq!(words[1], (pair(5, 1), Word::RecordGone));
    // The same number at both ends: each is asked for alone.
    let (words, left) = accounted(Step::Associate, vec![pair(5, 1), pair(3, 5), pair(2, 9)], reply);
    assert_eq!(words, [(pair(2, 9), Word::Done)]);
    assert_eq!(left.named, [pair(5, 1), pair(3, 5)]);
}

#[test]
fn an_error_without_a_name_leaves_every_unconfirmed_pair_open() {
    let mut bare = unknown(&[]);
    bare.message = "no".to_owned();
    let reply =
        AssociationReply { results: vec![result("2", "9")], errors: vec![bare.clone()], ..AssociationReply::default() };
    let (_, left) = accounted(Step::Label, vec![pair(1, 5), pair(3, 6), pair(2, 9)], reply.clone());
    assert_eq!(left.pairs, [pair(1, 5), pair(3, 6)]);
    assert!(left.nameless.is_none());
    let (_, left) = accounted(Step::Label, vec![pair(1, 5), pair(2, 9)], reply);
    assert!(left.pairs == [pair(1, 5)] && left.nameless == Some(bare));
}

#[test]
fn a_removal_is_done_unless_it_is_refused() {
    let (words, _) = accounted(Step::Remove, vec![pair(1, 5), pair(2, 9)], AssociationReply::default());
    assert!(words.len() == 2 && words.iter().all(|(_, word)| *word == Word::Done));
    let reply = AssociationReply { errors: vec![unknown(&["5"])], ..AssociationReply::default() };
    let (words, _) = accounted(Step::Remove, vec![pair(1, 5), pair(2, 9)], reply);
    assert_eq!(words, [(pair(1, 5), Word::TargetGone), (pair(2, 9), Word::Done)]);
}

#[test]
fn a_single_pair_may_be_answered_by_the_record_that_survived_a_merge() {
    let reply = AssociationReply { results: vec![result("2", "77")], ..AssociationReply::default() };
    let (words, _) = accounted(Step::Associate, vec![pair(2, 9)], reply);
    assert_eq!(words, [(pair(2, 9), Word::Done)]);
}

#[test]
fn requests_are_as_full_as_hubspot_takes_them() {
    let pairs: Vec<Pair> = (0..4_500).map(|at| pair(at / 2, at)).collect();
    let sizes = |step| cut(step, pairs.clone()).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(Step::Associate), [2_000, 2_000, 500]);
    let removals = sizes(Step::Remove);
    assert!(
        removals.iter().take(22).all(|size| *size == 200) && removals.iter().sum::<usize>() == 4_500,
        "{removals:?}"
    );
}

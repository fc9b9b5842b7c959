use super::*;

fn headers(max: u32, remaining: u32) -> LimitHeaders {
    LimitHeaders { max: Some(max), remaining: Some(remaining), interval_ms: Some(10_000), ..LimitHeaders::default() }
}

fn daily(limit: u64, remaining: u64) -> LimitHeaders {
    LimitHeaders { daily: Some(limit), daily_remaining: Some(remaining), ..LimitHeaders::default() }
}

fn ok(state: &mut State, budget: Budget, told: &LimitHeaders, at: Instant) {
    state.learn(
        budget,
        told,
        &Answered { kind: RequestKind::Upsert, failure: None, retry_after: None, sent_at: at, now: at },
    );
    state.back(budget);
}

#[test]
fn the_first_request_goes_alone_and_its_answer_opens_the_window() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::WhenAnswered));
    ok(&mut state, Budget::Burst, &headers(190, 189), now);
    let mut sent = 1;
    while state.decide(Budget::Burst, now) == Ok(Decision::Go) {
        sent += 1;
    }
    assert_eq!(sent, 190);
}

#[test]
fn without_headers_the_smallest_limit_is_assumed() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &LimitHeaders::default(), now);
    let mut sent = 1;
    while state.decide(Budget::Burst, now) == Ok(Decision::Go) {
        sent += 1;
    }
    assert_eq!(sent, BURST_FALLBACK);
}

#[test]
fn a_failed_first_request_is_followed_by_one_alone() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    let failure = Some(ErrorKind::NotSent);
    state.learn(
        Budget::Burst,
        &LimitHeaders::default(),
        &Answered { kind: RequestKind::Upsert, failure, retry_after: None, sent_at: now, now },
    );
    state.back(Budget::Burst);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::WhenAnswered));
}

#[test]
fn a_429_closes_the_gate_once_for_all_that_were_under_way() {
    let now = Instant::now() + BURST_INTERVAL;
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &headers(190, 189), now);
    for _ in 0..8 {
        assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    }
    let later = now + Duration::from_millis(400);
    for _ in 0..8 {
        let failure = Some(ErrorKind::BurstLimit);
        state.learn(
            Budget::Burst,
            &headers(190, 0),
            &Answered { kind: RequestKind::Upsert, failure, retry_after: None, sent_at: now, now: later },
        );
        state.back(Budget::Burst);
    }
    assert_eq!(state.decide(Budget::Burst, later), Ok(Decision::At(later + Duration::from_secs(1))));
    assert_eq!(state.burst.window.used(later), 190);
    assert_eq!(state.decide(Budget::Search, later), Ok(Decision::Go), "search has its own gate");
}

#[test]
fn a_429_that_names_a_time_is_obeyed() {
    let now = Instant::now() + BURST_INTERVAL;
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Search, now), Ok(Decision::Go));
    let failure = Some(ErrorKind::SecondlyLimit);
    let asked = Some(Duration::from_secs(30));
    state.learn(
        Budget::Search,
        &LimitHeaders::default(),
        &Answered { kind: RequestKind::Search, failure, retry_after: asked, sent_at: now, now },
    );
    assert_eq!(state.decide(Budget::Search, now), Ok(Decision::At(now + Duration::from_secs(30))));
}

#[test]
fn a_used_up_day_refuses_and_is_asked_about_again_after_a_while() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &daily(1_000, 1), now);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &daily(1_000, 0), now);
    let refused = Err(DailyRefused::UsedUp { remaining: 0 });
    assert_eq!(state.decide(Budget::Burst, now), refused);
    assert_eq!(state.decide(Budget::Search, now), refused);
    assert_eq!(state.decide(Budget::Associations, now), Ok(Decision::Go), "associations have a day of their own");
    let later = now + DAILY_PROBE_EVERY;
    assert_eq!(state.decide(Budget::Burst, later), Ok(Decision::Go));
    assert_eq!(state.decide(Budget::Burst, later), refused, "one question");
    ok(&mut state, Budget::Burst, &daily(1_000, 999), later);
    assert_eq!(state.decide(Budget::Burst, later), Ok(Decision::Go));
}

#[test]
fn a_share_of_the_day_is_left_to_others() {
    let now = Instant::now();
    let mut state = State::new(0.8, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &daily(1_000, 200), now);
    assert_eq!(state.decide(Budget::Burst, now), Err(DailyRefused::UsedUp { remaining: 200 }));
}

#[test]
fn the_projects_own_cap_counts_its_own_calls() {
    let now = Instant::now();
    let mut state = State::new(1.0, Some(2));
    for _ in 0..2 {
        assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
        ok(&mut state, Budget::Burst, &daily(1_000, 900), now);
    }
    assert_eq!(state.decide(Budget::Burst, now), Err(DailyRefused::OurCap(2)));
}

#[test]
fn search_earns_its_fifth_a_second_and_loses_it_with_a_429() {
    let mut now = Instant::now() + BURST_INTERVAL;
    let mut state = State::new(1.0, None);
    assert_eq!(state.search.window.max(), SEARCH_START);
    for _ in 0..SEARCH_TRUST_AFTER {
        now += Duration::from_secs(1);
        assert_eq!(state.decide(Budget::Search, now), Ok(Decision::Go));
        ok(&mut state, Budget::Search, &LimitHeaders::default(), now);
    }
    assert_eq!(state.search.window.max(), SEARCH_MAX);
    let failure = Some(ErrorKind::SecondlyLimit);
    now += Duration::from_secs(1);
    assert_eq!(state.decide(Budget::Search, now), Ok(Decision::Go));
    state.learn(
        Budget::Search,
        &LimitHeaders::default(),
        &Answered { kind: RequestKind::Search, failure, retry_after: None, sent_at: now, now },
    );
    assert_eq!(state.search.window.max(), SEARCH_START);
}

#[test]
fn the_burst_limit_tells_the_tier_of_associations() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    for (burst, associations) in [(100, 100), (110, 100), (190, 150), (250, 200)] {
        state.learn(
            Budget::Burst,
            &headers(burst, burst),
            &Answered { kind: RequestKind::Upsert, failure: None, retry_after: None, sent_at: now, now },
        );
        assert_eq!(state.associations.window.max(), associations);
    }
}

#[test]
fn a_locked_account_is_left_alone_for_as_long_as_a_lock_lasts() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &headers(190, 189), now);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    let failure = Some(ErrorKind::Locked);
    state.learn(
        Budget::Burst,
        &headers(190, 188),
        &Answered { kind: RequestKind::Upsert, failure, retry_after: None, sent_at: now, now },
    );
    state.back(Budget::Burst);
    let until = now + LOCKED_FOR;
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::At(until)));
    assert_eq!(state.decide(Budget::Burst, until), Ok(Decision::Go));
}

fn event(state: &mut State, failure: Option<ErrorKind>, sent_at: Instant, now: Instant) {
    let answer = Answered { kind: RequestKind::Event, failure, retry_after: None, sent_at, now };
    state.learn(Budget::Events, &LimitHeaders::default(), &answer);
    state.back(Budget::Events);
}

#[test]
fn events_go_at_once_beside_a_used_up_day_and_count_for_no_other_budget() {
    let now = Instant::now();
    let mut state = State::new(1.0, Some(1));
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &headers(190, 189), now);
    assert_eq!(state.decide(Budget::Burst, now), Err(DailyRefused::OurCap(1)));
    let used = state.burst.window.used(now);
    for _ in 0..EVENTS_MAX {
        assert_eq!(state.decide(Budget::Events, now), Ok(Decision::Go));
    }
    assert!(matches!(state.decide(Budget::Events, now), Ok(Decision::At(at)) if at > now));
    assert_eq!((state.daily.ours, state.burst.window.used(now)), (1, used));
}

#[test]
fn what_an_event_is_told_of_the_burst_or_the_day_changes_neither() {
    let now = Instant::now();
    let mut state = State::new(0.5, None);
    assert_eq!(state.events.window.allowed(), EVENTS_MAX / 2);
    assert_eq!(state.decide(Budget::Events, now), Ok(Decision::Go));
    let answer = Answered {
        kind: RequestKind::Event,
        failure: Some(ErrorKind::DailyLimit),
        retry_after: None,
        sent_at: now,
        now,
    };
    state.learn(Budget::Events, &headers(190, 0), &answer);
    assert_eq!(state.events.window.max(), EVENTS_MAX);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
}

#[test]
fn a_429_slows_events_once_for_all_that_were_under_way_and_what_is_taken_speeds_them_up_again() {
    let start = Instant::now() + EVENTS_INTERVAL;
    let mut state = State::new(1.0, None);
    for _ in 0..3 {
        assert_eq!(state.decide(Budget::Events, start), Ok(Decision::Go));
    }
    let told = start + Duration::from_millis(200);
    for failure in [ErrorKind::SecondlyLimit, ErrorKind::BurstLimit, ErrorKind::SecondlyLimit] {
        event(&mut state, Some(failure), start, told);
    }
    assert_eq!(state.events.window.max(), 875);
    let Ok(Decision::At(at)) = state.decide(Budget::Events, told) else { panic!("a pause") };
    assert!(at >= told + Duration::from_secs(1), "a ten-second policy is waited out longer");
    for taken in 1..=8 {
        let now = at + EVENTS_INTERVAL * taken;
        assert_eq!(state.decide(Budget::Events, now), Ok(Decision::Go));
        event(&mut state, None, now, now);
    }
    assert_eq!(state.events.window.max(), 877);
    for _ in 0..EVENTS_MAX * EVENTS_REGAIN_EVERY {
        event(&mut state, None, at, at);
    }
    assert_eq!(state.events.window.max(), EVENTS_MAX);
}

#[test]
fn a_used_up_day_of_associations_stops_these_and_nothing_else() {
    let now = Instant::now();
    let mut state = State::new(1.0, None);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go));
    ok(&mut state, Budget::Burst, &daily(1_000, 900), now);
    assert_eq!(state.decide(Budget::Associations, now), Ok(Decision::Go));
    let answer = |failure, now| Answered {
        kind: RequestKind::Associate,
        failure: Some(failure),
        retry_after: None,
        sent_at: now,
        now,
    };
    state.learn(Budget::Associations, &daily(500_000, 0), &answer(ErrorKind::DailyLimit, now));
    state.back(Budget::Associations);
    let refused = Err(DailyRefused::AssociationsUsedUp);
    assert_eq!(state.decide(Budget::Associations, now), refused);
    assert_eq!(state.decide(Budget::Burst, now), Ok(Decision::Go), "the day's calls are not used up");
    assert_eq!(state.decide(Budget::Search, now), Ok(Decision::Go));
    let later = now + DAILY_PROBE_EVERY;
    assert_eq!(state.decide(Budget::Associations, later), Ok(Decision::Go));
    assert_eq!(state.decide(Budget::Associations, later), refused, "one question");
    ok(&mut state, Budget::Associations, &LimitHeaders::default(), later);
    assert_eq!(state.decide(Budget::Associations, later), Ok(Decision::Go), "a new day");
}

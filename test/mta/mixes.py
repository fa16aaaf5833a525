"""Mixes of recipients, and what everybody gets.

    NAME | setting | To and Cc | Bcc | what comes of it

What comes of it: copies separated by ";", each "FORM: recipients" with FORM
clear, or enc with the RecipientInfos in ( ) where they are others than the
recipients; or a reply: "550 words".  Recipients are the names of PEOPLE."""

# name: (address, kind of key or None)
PEOPLE = {
    'r1': ('r1@partner.example', 'rsa'),
    'r2': ('r2@partner.example', 'rsa'),
    'r3': ('r3@partner.example', 'rsa'),
    'e1': ('e1@partner.example', 'ec'),
    'e2': ('e2@partner.example', 'ec'),
    'none': ('none@partner.example', None),
    'late': ('late@later.example', None),
    'o1': ('o1@optional.example', 'rsa'),
    'o2': ('o2@optional.example', 'ec'),
    'opt': ('opt@optional.example', None),
    'g1': ('g1@gcm.example', 'rsa'),
    'g2': ('g2@gcm.example', 'rsa'),
    's1': ('s1@self.example', 'rsa'),
    's2': ('s2@self.example', 'ec'),
    'c1': ('c1@elsewhere.example', None),
    'c2': ('c2@elsewhere.example', None),
    'i1': ('i1@example.com', 'rsa'),
    'i2': ('i2@example.com', 'ec'),
    'i3': ('i3@example.com', None),
    'quote': ('"odd name"@partner.example', 'rsa'),
    'R1': ('R1@Partner.EXAMPLE', 'rsa'),
    'alice': ('alice@example.com', 'rsa'),
    'idn': ('i4@bücher.example', None),
}

MIXES = '''
one_is_as_ever | split | r1 | | enc: r1
two_of_a_kind_share | split | r1 r2 | | enc: r1 r2
clear_alone | split | c1 c2 | | clear: c1 c2
rsa_and_ec_are_apart | split | r1 e1 | | enc: r1; enc: e1
two_and_two | split | r1 e1 r2 e2 | | enc: r1 r2; enc: e1 e2
protected_and_clear | split | r1 c1 | | enc: r1; clear: c1
clear_first | split | c1 r1 | | enc: r1; clear: c1
three_forms | split | c1 e1 r1 c2 | | enc: r1; enc: e1; clear: c1 c2
ciphers_are_apart | split | r1 g1 | | enc: r1; enc: g1
four_forms | split | r1 e1 g1 c1 | | enc: r1; enc: e1; enc: g1; clear: c1
two_rules_share_a_form | split | r1 o1 | | enc: r1 o1
no_certificate_where_it_may_pass | split | r1 opt | | enc: r1; clear: opt
they_share_the_clear_one | split | r1 opt c1 | | enc: r1; clear: opt c1
all_may_pass | split | opt c1 | | clear: opt c1
one_may_pass_alone | split | opt | | clear: opt
a_mandatory_one_missing_stops_all | split | r1 none c1 | | 550 none@partner.example
missing_among_optional_ones | split | o1 none | | 550 none@partner.example
tempfail_alone | split | late | | 451 late@later.example
the_strictest_of_all_decides | split | r1 late | | 550 late@later.example
tempfail_beside_optional_ones | split | o1 late c1 | | 451 late@later.example
reject_before_tempfail | split | none late | | 550
one_bcc | split | r1 | r2 | enc: r1; enc: r2
one_bcc_alone | split | | r1 | enc: r1
two_bcc | split | r1 | r2 r3 | enc: r1; enc: r2; enc: r3
bcc_alone_in_company | split | | r1 r2 | enc: r1; enc: r2
bcc_of_other_kinds | split | r1 e1 | e2 r2 | enc: r1; enc: e1; enc: e2; enc: r2
clear_bcc_share | split | r1 | c1 c2 | enc: r1; clear: c1 c2
bcc_beside_clear_ones | split | c1 | r1 r2 | enc: r1; enc: r2; clear: c1
bcc_who_may_pass | split | r1 | opt | enc: r1; clear: opt
bcc_missing_stops_all | split | r1 | none | 550 none@partner.example
self_is_in_each | split | s1 r1 c1 | | enc: s1 r1 (s1 r1 alice); clear: c1
self_of_another_kind_is_not | split | s2 c1 | | enc: s2; clear: c1
self_with_bcc | split | s1 | r2 | enc: s1 (s1 alice); enc: r2
oneself_in_cc | split | r1 alice | | enc: r1 alice
internal_rsa | split | r1 i1 | | enc: r1 i1
internal_ec | split | r1 i2 | | enc: r1; enc: i2
internal_without_certificate | split | r1 i3 | | 550 i3@example.com
internal_where_it_may_pass | split | o1 i3 | | enc: o1; clear: i3
internal_alone | split | i1 i2 i3 | | clear: i1 i2 i3
internal_bcc | split | r1 | i1 | enc: r1; enc: i1
quotes_and_case | split | quote R1 c1 | | enc: quote R1 (quote r1); clear: c1
the_same_in_other_case | split | r1 R1 e1 | | enc: r1; enc: e1
duplicates | split | r1 r1 c1 c1 | | enc: r1; clear: c1
utf8_address | split | r1 idn | | enc: r1; clear: idn
internal_in_clear | split-clear | r1 i1 i3 | | enc: r1; clear: i1 i3
internal_in_clear_with_others | split-clear | r1 i1 c1 e1 | | enc: r1; enc: e1; clear: i1 c1
internal_in_clear_as_bcc | split-clear | r1 | i1 | enc: r1; clear: i1
marked_copies_come_through | split-mark | r1 e1 c1 | r2 | enc: r1; enc: e1; enc: r2; clear: c1
marked_clear_for_optional | split-mark | r1 opt | | enc: r1; clear: opt
marked_internal | split-mark | r1 i2 | c1 | enc: r1; enc: i2; clear: c1
nothing_for_two_forms | all | r1 e1 | | 550 separately
nothing_for_two_ciphers | all | r1 g1 | | 550 separately
nothing_beside_clear | all | r1 c1 | | 550 c1@elsewhere.example
weaker_only_where_all_may_pass | all | o1 c1 | | clear: o1 c1
optional_of_two_kinds | all | o1 o2 | | clear: o1 o2
together | all | r1 r2 o1 | | enc: r1 r2 o1
internal_together | all | r1 i1 | | enc: r1 i1
bcc_is_refused | all | r1 | r2 | 550 Bcc
bcc_is_refused_even_where_it_may_pass | all | o1 | r2 | 550 Bcc
bcc_shared_where_that_is_set | all-share | r1 | r2 | enc: r1 r2
nothing_late | all | o1 late | | 451 late@later.example
'''


def read():
    for line in MIXES.strip().splitlines():
        name, setting, shown, hidden, outcome = (
            part.strip() for part in line.split('|'))
        yield name, setting, shown.split(), hidden.split(), outcome

"""The main cases again, through a real Sendmail with F=T."""
import judge
import postfix_tests
from judge import expect
from postfix_tests import (ALICE, BOB, BOUNCING, CLEAR, FORGED, GHOST, NOBODY,
                           PAULA, PETER, PETRA, READER, STRANGER, accepted, body,
                           incoming, looks_opened, refused)
from smtp import send
from world import EIGHT_BIT, LONG_LINES, PLAIN, message


def post(world, sender, recipients, subject, entity, more=b''):
    return send(world.sendmail.port, sender, recipients, message(
        sender, recipients[0], subject, entity, more))


def signed_mail_arrives_byte_for_byte(world):
    accepted(post(world, ALICE, [CLEAR], 'sm-signed', PLAIN))
    data = world.arrived('sm-signed').data
    judge.outside(data)
    expect(world.verify(data, ALICE).entity == PLAIN,
           'the content has changed')


def opaque_pss_signature_arrives(world):
    accepted(post(world, BOB, [CLEAR], 'sm-opaque', PLAIN))
    opened = world.verify(world.arrived('sm-opaque').data, BOB)
    expect(opened.entity == PLAIN and 'rsassaPss' in opened.printed,
           'not the content, or not RSASSA-PSS')


def encrypted_mail_arrives(world):
    stranger = 'someone@elsewhere.example'
    accepted(post(world, stranger, [PAULA], 'sm-encrypted', PLAIN))
    data = world.arrived('sm-encrypted').data
    expect(world.decrypt(data, 'paula').entity == PLAIN,
           'the content has changed')


def signed_and_encrypted_mail_arrives(world):
    accepted(post(world, ALICE, [PETER], 'sm-both', PLAIN))
    inner = world.decrypt(world.arrived('sm-both').data, 'peter').entity
    expect(world.verify(inner, ALICE).entity == PLAIN,
           'the content has changed')


def eight_bit_and_long_lines_arrive_signed(world):
    for subject, entity in (('sm-eight', EIGHT_BIT),
                            ('sm-long', LONG_LINES)):
        accepted(post(world, ALICE, [CLEAR], subject, entity))
        opened = world.verify(world.arrived(subject).data, ALICE)
        expect(judge.decoded(opened.entity) == judge.decoded(entity),
               '%s: the text has changed' % subject)


def large_mail_arrives_signed(world):
    entity = body(3000000)
    accepted(post(world, ALICE, [CLEAR], 'sm-large', entity))
    opened = world.verify(world.arrived('sm-large').data, ALICE)
    expect(opened.entity == entity, 'the content has changed')


def repeated_fields_become_one(world):
    """Sendmail does not renumber fields after a deletion."""
    more = b'MIME-Version: 1.0\r\n' * 3
    accepted(post(world, ALICE, [CLEAR], 'sm-repeated', PLAIN, more))
    data = world.arrived('sm-repeated').data
    judge.outside(data)
    expect(world.verify(data, ALICE).entity == PLAIN,
           'the content has changed')


def refusal_has_a_code_and_a_sentence(world):
    refused(post(world, ALICE, [NOBODY], 'sm-nobody', PLAIN), NOBODY)


def recipient_without_a_certificate_is_refused_at_rcpt(world):
    postfix_tests.one_recipient_is_refused_and_the_other_served(
        world.sendmail.port, world.arrived, 'sm-early')


def blind_copy_is_refused(world):
    refused(post(world, ALICE, [PAULA, PETRA], 'sm-blind', PLAIN))


def quarantine_is_the_quarantine_queue(world):
    accepted(post(world, GHOST, [CLEAR], 'sm-held', PLAIN))
    expect(len(world.sendmail.quarantined()) == 1, 'nothing is quarantined')


def incoming_mail_is_opened_and_reported(world):
    accepted(post(world, STRANGER, [READER], 'sm-opened', incoming(world),
                  FORGED))
    looks_opened(world.arrived('sm-opened').data, 'sm-opened')


def undecryptable_mail_arrives_byte_for_byte(world):
    postfix_tests.undecryptable_mail_arrives_byte_for_byte(
        world, world.sendmail.port)


def bounce_of_an_opened_mail_carries_the_header_alone(world):
    sender = 'someone@elsewhere.example'
    mail = message(sender, BOUNCING, 'sm-bounced', incoming(world))
    accepted(send(world.sendmail.port, sender, [BOUNCING], mail,
                  arguments='RET=FULL ENVID=E123 BODY=8BITMIME SIZE=9999'))
    bounce = world.sink.wait(lambda m: m.recipients == [sender] and
                             b'Subject: sm-bounced' in m.data, 40)
    expect(bounce is not None, 'no bounce')
    expect(b'Dear reader' not in bounce.data and
           b'text/rfc822-headers' in bounce.data, 'it carries the text')
    expect(b'E123' in bounce.data, 'ENVID is lost')


def stopped_daemon_means_try_again_later(world):
    expect(world.daemon.stop() == 0, 'the daemon did not stop with status 0')
    try:
        reply = post(world, ALICE, [CLEAR], 'sm-later', PLAIN)
        expect(reply.code == 451, 'not 451: %r' % reply)
    finally:
        world.daemon.start()
    accepted(post(world, ALICE, [CLEAR], 'sm-later', PLAIN))
    world.verify(world.arrived('sm-later').data, ALICE)


TESTS = [
    signed_mail_arrives_byte_for_byte, opaque_pss_signature_arrives,
    encrypted_mail_arrives, signed_and_encrypted_mail_arrives,
    eight_bit_and_long_lines_arrive_signed, large_mail_arrives_signed,
    repeated_fields_become_one, refusal_has_a_code_and_a_sentence,
    recipient_without_a_certificate_is_refused_at_rcpt,
    blind_copy_is_refused, quarantine_is_the_quarantine_queue,
    incoming_mail_is_opened_and_reported,
    undecryptable_mail_arrives_byte_for_byte,
    bounce_of_an_opened_mail_carries_the_header_alone,
    stopped_daemon_means_try_again_later,
]

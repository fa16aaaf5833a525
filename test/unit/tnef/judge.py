"""A calendar or a card on standard input, behind a line that names it: what do
icalendar and vobject read in it?"""
import datetime
import sys

import icalendar
import vobject

UTC = datetime.timezone.utc


def at(*when):
    return datetime.datetime(*when, tzinfo=UTC)


def event(text, name='VEVENT'):
    calendar = icalendar.Calendar.from_ical(text)
    assert not any(part.errors for part in calendar.walk()), 'not as it should be'
    return calendar, calendar.walk(name)[0]


def request(text):
    calendar, found = event(text)
    assert calendar['method'] == 'REQUEST'
    assert found['summary'] == 'Plan; and, talk'
    assert found['description'] == 'Line one\n\nLine two; end'
    assert found['location'] == 'Room 1, left'
    assert found.decoded('dtstart') == at(2026, 1, 27, 10)
    assert found['organizer'].params['CN'] == 'Alice'
    people = {str(a): a.params for a in found['attendee']}
    assert people['mailto:bob@example.com']['CN'] == "Bob 'B'"
    assert people['mailto:carol@example.com']['PARTSTAT'] == 'ACCEPTED'
    assert vobject.readOne(text).vevent.categories.value == ['Red', 'a,b c']
    alarm = found.walk('VALARM')[0]
    assert alarm.decoded('trigger') == datetime.timedelta(minutes=-30)


def a_day(text):
    _, found = event(text)
    assert found.decoded('dtstart') == datetime.date(2026, 7, 1)
    assert found.decoded('dtend') == datetime.date(2026, 7, 2)


def accepted(text):
    calendar, found = event(text)
    assert calendar['method'] == 'REPLY'
    assert found['attendee'].params['PARTSTAT'] == 'ACCEPTED'
    assert found['organizer'] == 'mailto:dan@example.com'


def series(text):
    """Mondays at 11 in Berlin: an hour earlier in UTC once summer has come."""
    _, found = event(text)
    assert found.decoded('dtstart').astimezone(UTC) == at(2026, 1, 26, 10)
    first = vobject.readOne(text).vevent_list[0]
    days = [d.astimezone(UTC) for d in first.getrruleset(addRDate=True)]
    assert len(days) == 12, days
    assert at(2026, 2, 2, 10) not in days
    assert at(2026, 3, 23, 10) in days and at(2026, 3, 30, 9) in days
    assert days[-1] == at(2026, 4, 20, 9)


def task(text):
    _, found = event(text, 'VTODO')
    assert found.decoded('due') == datetime.date(2026, 1, 28)
    assert found['percent-complete'] == 50


def contact(text):
    card = vobject.readOne(text)
    card.validate()
    assert card.fn.value == 'Dr. Eva Müller, Jr.'
    assert card.n.value.family == 'Müller' and card.n.value.prefix == 'Dr.'
    assert card.org.value == ['A; B', 'C']
    assert [e.value for e in card.contents['email']] == [
        'eva@example.com', 'eva@home.example']
    assert card.adr.value.city == 'Berlin'
    assert card.bday.value == '19600101'


JUDGES = {'a request': request, 'accepted': accepted, 'a series': series,
          'a day in summer': a_day, 'a task': task, 'a contact': contact}

label, _, rest = sys.stdin.buffer.read().decode('utf-8').partition('\n')
JUDGES.get(label, event)(rest)

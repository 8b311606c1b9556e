"""The invented report that every PDF of this folder is made from, as blocks on pages.

All names, places and figures are made up. What stands on which page is fixed, so that the truth
about each file is exact.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Block:
    """One block: ``kind`` is h, p, li, table, rows, box, side, fn; ``text`` as it is read.

    ``rows`` of a table; ``title`` of a box; ``goes_on`` where the paragraph runs over the page;
    ``wide`` where it spans the columns of a page that has them. «[1]» in a text points to note 1.
    """

    kind: str
    text: str = ""
    level: int = 0
    title: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    goes_on: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Page:
    """The blocks of one page in reading order: margin notes behind the text, footnotes last."""

    blocks: tuple[Block, ...] = field(default_factory=tuple)
    columns: int = 1
    landscape: bool = False


def h(level: int, text: str, *, wide: bool = False) -> Block:
    return Block("h", text, level, wide=wide)


def p(text: str, *, goes_on: bool = False, wide: bool = False) -> Block:
    return Block("p", text, goes_on=goes_on, wide=wide)


def li(level: int, text: str) -> Block:
    return Block("li", text, level)


TITLE = "Ny kurs for Tangvika"
SUBTITLE = "Sluttevaluering av omstillingsprogrammet 2015–2021"
COVER = (TITLE, SUBTITLE, "Utarbeidet av Holmsund Analyse", "Oppdiktet testrapport", "Mars 2022")
RUNNING = "Ny kurs for Tangvika – sluttevaluering"
STAMP = "Unntatt offentlighet"

TABLE = (
    ("Tiltak", "Søknader", "Innvilget", "Beløp"),
    ("Bedriftsrådgivning", "64", "41", "3,2"),
    ("Produktutvikling", "38", "19", "5,7"),
    ("Etablererkurs", "112", "90", "1,1"),
    ("Felles lager på kaia", "3", "2", "4,0"),
    ("Ungdomsbedrift", "17", "15", "0,6"),
)
MORE_ROWS = (
    ("Tiltak", "Søknader", "Innvilget", "Beløp"),
    ("Nettbutikk for kystmat", "9", "4", "0,8"),
    ("Bredbånd i ytre strøk", "5", "5", "6,3"),
    ("Sum", "248", "176", "21,7"),
)
WIDE_TABLE = (
    ("År", "Styremøter", "Saker", "Deltakere", "Frafall", "Nye bedrifter", "Årsverk"),
    ("2016", "11", "84", "7", "1", "6", "9"),
    ("2018", "9", "77", "7", "0", "11", "21"),
    ("2020", "6", "41", "5", "2", "8", "14"),
)

FIRST = Page(
    (
        h(1, "Bakgrunn"),
        p(
            "Tangvika mistet verftet i 2014, og på ett år gikk hver femte arbeidsplass i den "
            "private delen av næringslivet tapt. Kommunen søkte om status som omstillingsområde "
            "samme høst, og programmet Ny kurs startet i mai 2015.[1]"
        ),
        p(
            "Vi har snakket med 23 personer som har fulgt programmet fra innsiden eller fra "
            "kanten. Det er særlig to ting flere av dem kommer tilbake til: at det tok tid å finne "
            "formen, og at effekten først ble synlig da de fleste hadde sluttet å spørre etter den."
        ),
        h(2, "Hva vi har undersøkt"),
        p("Oppdraget var å svare på disse spørsmålene:"),
        li(1, "Nådde programmet målene sine, og hvorfor gikk det som det gikk?"),
        li(1, "Hvem deltok i arbeidet, og hvem ble stående utenfor? Vi så på"),
        li(2, "bedrifter som fikk tilskudd"),
        li(2, "bedrifter som fikk avslag, fordelt på"),
        li(3, "dem som gjennomførte likevel"),
        li(3, "dem som la planene bort"),
        li(2, "kommunens egne ansatte"),
        li(1, "Hva bør andre kommuner vite før de går i gang med det samme?"),
        h(2, "Slik leses rapporten"),
        p(
            "Hvert kapittel begynner med det som skjedde og slutter med det vi mener om det. Den "
            "som har dårlig tid, kan gå rett til rådene bakerst og slå opp resten ved behov."
        ),
        Block("fn", "Startdatoen er den dagen styret holdt sitt første møte.", level=1),
    )
)

SECOND = Page(
    (
        h(1, "Organisering"),
        p(
            "Styret hadde sju medlemmer, og fire av dem drev egen bedrift. Ordføreren møtte som "
            "observatør de to første årene og sluttet så etter eget ønske."
        ),
        p(
            "At flertallet kom fra bedriftene, gjorde at sakene ble kortere og spørsmålene bedre. "
            "Prisen var at medlemmene ofte måtte forlate møtet når naboens søknad stod på kartet, "
            "og to ganger var det ikke nok folk igjen i rommet til å fatte et vedtak."
        ),
        h(2, "Programledelsen"),
        p(
            "Programlederen ble leid inn i halv stilling. Det var for lite. Alle vi har snakket "
            "med, mener at stillingen burde vært hel fra første dag, og at den burde hatt en "
            "stedfortreder som kjente sakene."
        ),
        p(
            "Da lederen sluttet våren 2018, lå kontakten med bedriftene i en privat telefon. Det "
            "tok åtte måneder å bygge den opp igjen."
        ),
        h(2, "Bruk av midlene"),
        p("Tabellen viser hva pengene gikk til i hele perioden, i millioner kroner."),
        Block("table", "Tabell 1: Tiltak, søknader og beløp", rows=TABLE),
        Block("side", "Se også kapittelet om råd til andre, der vi kommer tilbake til dette."),
    )
)

THIRD = Page(
    (
        Block("rows", rows=MORE_ROWS),
        p(
            "Bredbåndet i de ytre strøkene tok mest av midlene og ga minst uro. Det var det eneste "
            "tiltaket som ingen i undersøkelsen ville vært foruten."
        ),
        Block(
            "box",
            "Skriv ned hvem som har lovet hva, og legg lista der neste leder finner den.",
            title="Verdt å merke seg",
        ),
        h(1, "Hva virket, og hva virket ikke"),
        h(2, "Det som virket"),
        p("Informantene peker på tre forhold som de mener gjorde en forskjell:"),
        li(
            1,
            "Rådgiverne kom ut til bedriftene og ventet ikke på at noen skulle ringe. Det ga en "
            "helt annen kjennskap til hva som hindret dem i å vokse.",
        ),
        li(1, "Søkerne fikk svar innen tre uker, også når svaret var nei."),
        li(
            1,
            "Etablererkurset ble holdt på kvelden og med barnepass. Andelen kvinner gikk fra en "
            "femdel til over halvparten.",
        ),
        h(2, "Det som ikke virket"),
        p(
            "Nettbutikken for kystmat ble aldri lønnsom. Ingen hadde spurt kundene på forhånd, og "
            "frakten kostet mer enn varene. Flere sa fra, men ingen hadde i oppgave å stanse et "
            "prosjekt som var i gang, og derfor",
            goes_on=True,
        ),
    )
)

FOURTH = Page(
    (
        p(
            "gikk det to år og fire hundre tusen kroner før styret trakk i bremsen. Et avtalt "
            "punkt der noen spør om dette skal fortsette, ville ha spart begge deler."
        ),
        h(1, "Måloppnåelse"),
        p(
            "Målet var 60 nye årsverk. Ved utgangen av 2021 var det registrert 44, og av dem "
            "regner vi med at 30 ville ha kommet uten programmet også."
        ),
        h(1, "Råd til andre"),
        p("Til dem som står foran det samme, vil vi si:", wide=True),
        li(1, "Ansett en leder på full tid, og en til som kan ta over."),
        li(1, "Avtal før start hva som skal til for å stanse et prosjekt."),
        li(1, "Spør kundene først. Et forprosjekt på ti tusen kroner kan spare to år."),
        li(1, "La bedriftene ha flertallet i styret, og ha varamedlemmer til dem som er inhabile."),
        p(
            "Vi takker alle som har gitt av sin tid. Feil og mangler i rapporten svarer vi for "
            "selv."
        ),
    )
)

FIFTH = Page(
    (
        h(1, "Vedlegg: styrets arbeid år for år"),
        p(
            "Tallene er hentet fra møtebøkene. For årene som ikke er med, mangler én eller flere "
            "av bøkene, og vi har ikke villet gjette."
        ),
        Block("table", "Tabell 2: Styret i tall", rows=WIDE_TABLE),
        p(
            "Frafallet i 2020 skyldes at to medlemmer flyttet, og at ingen hadde utpekt "
            "varamedlemmer for dem som kom fra bedriftene."
        ),
    ),
    landscape=True,
)

COLUMNS = Page(
    (
        h(1, "Fire stemmer om samarbeidet", wide=True),
        h(2, "Fiskebruket"),
        p(
            "Vi hadde aldri snakket med dem på den andre siden av bukta før programmet satte oss "
            "ved samme bord. Nå deler vi kjølelager, og det har gitt oss råd til en mann til."
        ),
        p("Det som hjalp, var at noen andre tok regningen for det første møtet."),
        h(2, "Snekkeren"),
        p(
            "Jeg fikk nei to ganger. Første gang forstod jeg hvorfor. Andre gang stod det bare at "
            "søknaden ikke var prioritert, og da sluttet jeg å søke. Gi folk en grunn de kan "
            "bruke til noe."
        ),
        h(2, "Kommunen"),
        p(
            "Byggesakene for bedriftene lå i samme bunke som garasjene. Da vi tok dem ut av "
            "bunken, gikk tiden ned fra elleve uker til fire, uten at noen måtte jobbe mer."
        ),
        h(2, "Ungdomsrådet"),
        p(
            "Vi ble spurt hva vi ville ha, og så hørte vi ikke noe på to år. Det er verre enn ikke "
            "å bli spurt. Si hva som skjer med innspillene, også når svaret er ingenting."
        ),
        h(1, "Hva stemmene har til felles", wide=True),
        p(
            "Alle fire forteller om hva som skjer mellom vedtakene. Det er der tilliten blir til "
            "eller blir borte, og det er sjelden noen som har det som oppgave."
        ),
        p(
            "Den som leder et slikt program, bør sette av tid til å ringe tilbake. Det koster "
            "lite, og det er det folk husker når programmet er over."
        ),
        p(
            "Samtalene ble holdt høsten 2021. De er gjengitt med samtykke, og de som snakker, har "
            "lest gjennom sine egne ord før trykk."
        ),
    ),
    columns=2,
)

BOOK_RUNNING = "Lessons from the Skerry Islands"
BOOK_COVER = (
    "Lessons from the Skerry Islands",
    "An evaluation of six years of restructuring",
    "Northreach Institute",
    "An invented test report",
    "June 2023",
)
BOOK_TABLE = (
    ("Measure", "What it was meant to do", "What came of it"),
    (
        "Shared harbour office",
        "Give small boats one place to ask about berths, fuel and customs",
        "Open all year; used by nine out of ten boats",
    ),
    ("Night ferry", "Let people work on the mainland and live at home", "Stopped after a year"),
)

BOOK = (
    Page(
        (
            h(1, "What this report is about"),
            p(
                "The Skerry Islands lost their cannery in 2015. Two hundred people worked there, "
                "and most families had at least one of them at the table. The restructuring "
                "programme that followed ran for six years and spent just under five million "
                "pounds. This report asks what others can learn from it."
            ),
            p(
                "We read the minutes, the accounts and the letters. We also spoke with thirty-one "
                "people, some of them twice. Where their memory and the minutes disagree, we say "
                "so.[1]"
            ),
            h(2, "How to use it"),
            p(
                "Each chapter can be read alone. The reader who wants advice only should begin "
                "with the last one, and turn back when something is hard to believe. It was often "
                "hard to believe for us as well."
            ),
            p(
                "We have left out names. The islands are small, and those who know them will "
                "recognise the people anyway; those who do not will lose nothing."
            ),
            Block(
                "fn",
                "The minutes of 2017 were lost in a flood. For that year we have relied on the "
                "letters alone, and on what the accountant had kept at home.",
                level=1,
            ),
        )
    ),
    Page(
        (
            h(1, "The board and its work"),
            p(
                "The board had nine members when it began and five when it ended. Nobody had "
                "planned for it to shrink. Members moved, fell ill or lost interest, and finding "
                "new ones took more time than the chair had."
            ),
            p(
                "With five members the meetings became shorter and the decisions clearer. Several "
                "people told us that the programme should have begun that way. A small board "
                "needs deputies, however: twice a decision had to wait for a month because one "
                "member was at sea."
            ),
            h(2, "Money before plans"),
            p(
                "The first grants were paid out before there was a strategy. That bought goodwill, "
                "and it bought a good many things that nobody needed. When the strategy came, half "
                "the money for the first two years was gone. The board would not do it again."
            ),
            h(2, "What the measures led to"),
            p("The table sums up the two measures that people talk about the most."),
            Block("table", "Table 1: Two measures and what came of them", rows=BOOK_TABLE),
            p(
                "The night ferry could have been tried for a month with a hired boat. The board "
                "bought one instead, because there was money left in the budget for that year and "
                "nobody wanted to send it back. It is an expensive way of finding out that people "
                "prefer to sleep, and the lesson that",
                goes_on=True,
            ),
        )
    ),
    Page(
        (
            p(
                "most of them draw from it is a simple one: try things out while they are still "
                "cheap."
            ),
            h(1, "Advice to others"),
            p("If we were to begin again tomorrow, these are the things we would do:"),
            li(
                1, "Wait with the first grant until there is a page of strategy to hold it against."
            ),
            li(
                1,
                "Keep the board at five, with a deputy for each. Let the members meet in person "
                "before they vote on anything that will cost money.",
            ),
            li(1, "Hire before you buy."),
            li(1, "Write down what was promised, to whom, and by which date."),
            p(
                "None of this is new. It was known on the islands too, by people who had run boats "
                "and shops for years. Nobody had asked them, and they did not think it was their "
                "place to say so. If there is one thing to take away, it may be that: ask early, "
                "ask widely, and pay those you ask for their time."
            ),
            p("We thank all who gave us theirs. The errors that remain are our own."),
        )
    ),
)

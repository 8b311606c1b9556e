"""The sentence a user reads for each error code, in bokmål, nynorsk and English.

The command line prints it beside the code, the web shows it on the error page. A test holds the
codes of :mod:`kb.errors` and the sentences together.
"""

from kb.errors import KbError
from kb.lint import LintCode

SENTENCES: dict[str, tuple[str, str, str]] = {
    "invalid-query": (
        "Søket kan ikke brukes slik det står. Skriv et spørsmål med vanlige ord, og prøv igjen.",
        "Søket kan ikkje brukast slik det står. Skriv eit spørsmål med vanlege ord, og prøv igjen.",
        "The search cannot be used as it stands. Write a question in plain words and try again.",
    ),
    "not-found": (
        "Vi finner ikke det du ba om. Det kan være fjernet, eller adressen kan være feil.",
        "Vi finn ikkje det du bad om. Det kan vere fjerna, eller adressa kan vere feil.",
        "We cannot find what you asked for. It may be removed, or the address may be wrong.",
    ),
    "already-ingested": (
        "Denne rapporten er allerede lest inn. Den ble ikke lagt inn på nytt.",
        "Denne rapporten er alt lesen inn. Han vart ikkje lagd inn på nytt.",
        "This report is already in the base. It was not added again.",
    ),
    "conflict": (
        "Noen andre har endret dette mens du så på det. Se hva som står nå, og prøv igjen.",
        "Nokon andre har endra dette medan du såg på det. Sjå kva som står no, og prøv igjen.",
        "Somebody else changed this while you were looking at it. See what stands now and retry.",
    ),
    "job-state": (
        "Jobben er i en annen tilstand enn dette krever. Se hva som står på den nå.",
        "Jobben er i ein annan tilstand enn dette krev. Sjå kva som står på han no.",
        "The job is in another state than this needs. See what it says now.",
    ),
    "job-held": (
        "Filen leses inn nå, uten det du ba om. Vent til den er ferdig, eller avbryt den først.",
        "Fila blir lesen inn no, utan det du bad om. Vent til ho er ferdig, eller avbryt først.",
        "The file is being read now, without what you asked for. Wait for it, or cancel it first.",
    ),
    "edition": (
        "Rapporten har alt en nyere utgave, eller filen hører til en annen. Velg en annen rapport.",
        "Rapporten har alt ei nyare utgåve, eller fila høyrer til ein annan. Vel ein annan.",
        "The report has a newer edition already, or the file is another's. Choose another report.",
    ),
    "decided": (
        "Noen har alt arbeidet med rapporten. Å lese den på nytt ville slette det de har avgjort.",
        "Nokon har alt arbeidd med rapporten. Å lese han på nytt ville slette det dei har avgjort.",
        "Somebody has worked on the report. Reading it again would delete what they decided.",
    ),
    "report-state.published": (
        "Rapporten er allerede publisert, og ingen godkjente lærdommer venter i den.",
        "Rapporten er alt publisert, og ingen godkjende lærdommar ventar i han.",
        "The report is already published, and no approved lessons are waiting in it.",
    ),
    "report-state.not-published": (
        "Rapporten er ikke publisert, så den kan ikke trekkes tilbake.",
        "Rapporten er ikkje publisert, så han kan ikkje trekkjast tilbake.",
        "The report is not published, so it cannot be withdrawn.",
    ),
    "report-state.trashed": (
        "Rapporten ligger i papirkurven. Hent den ut derfra først.",
        "Rapporten ligg i papirkorga. Hent han ut derifrå først.",
        "The report is in the trash. Take it out first.",
    ),
    "report-state.not-trashed": (
        "Rapporten ligger ikke i papirkurven, så det er ingenting å hente ut.",
        "Rapporten ligg ikkje i papirkorga, så det er ingenting å hente ut.",
        "The report is not in the trash, so there is nothing to take out.",
    ),
    "report-state.superseded": (
        "En nyere utgave av rapporten er publisert. Trekk den tilbake først.",
        "Ei nyare utgåve av rapporten er publisert. Trekk henne tilbake først.",
        "A newer edition of the report is published. Withdraw that one first.",
    ),
    "report-state.not-superseded": (
        "Rapporten er ikke erstattet av en nyere utgave.",
        "Rapporten er ikkje erstatta av ei nyare utgåve.",
        "The report is not replaced by a newer edition.",
    ),
    "undo.done": (
        "Endringen er allerede angret.",
        "Endringa er alt angra.",
        "The change is already undone.",
    ),
    "undo.changed": (
        "Endringen kan ikke angres, for det den gjaldt, er endret siden. Se historikken.",
        "Endringa kan ikkje angrast, for det ho galdt, er endra sidan. Sjå historikken.",
        "The change cannot be undone: what it was about was changed since. See the history.",
    ),
    "undecided": (
        "Rapporten kan ikke publiseres ennå. Godkjenn eller avvis forslagene som gjenstår.",
        "Rapporten kan ikkje publiserast enno. Godkjenn eller avvis forslaga som står att.",
        "The report cannot be published yet. Approve or reject the proposals that remain.",
    ),
    "not-verbatim": (
        "Sitatet må stå ordrett på siden i rapporten. Merk hele setninger derfra, og prøv igjen.",
        "Sitatet må stå ordrett på sida i rapporten. Merk heile setningar derifrå, og prøv igjen.",
        "The quote must stand word for word on its page. Choose whole sentences and try again.",
    ),
    "collection-full": (
        "Det er ikke plass til flere. En samling tar 500 lærdommer, en konto 100 samlinger.",
        "Det er ikkje plass til fleire. Ei samling tek 500 lærdomar, ein konto 100 samlingar.",
        "There is no room for more. A collection takes 500 lessons, an account 100 collections.",
    ),
    "question-file": (
        "Vi finner ingen spørsmål i filen. Bruk .docx, .csv eller .txt på inntil 2 MB.",
        "Vi finn ingen spørsmål i fila. Bruk .docx, .csv eller .txt på inntil 2 MB.",
        "We find no questions in the file. Use a .docx, .csv or .txt of up to 2 MB.",
    ),
    "mail-refused": (
        "E-posttjeneren tar ikke imot e-post til denne adressen. Se etter skrivefeil.",
        "E-posttenaren tek ikkje imot e-post til denne adressa. Sjå etter skrivefeil.",
        "The mail server does not accept mail to this address. Check the spelling.",
    ),
    "mail-unavailable": (
        "Vi fikk ikke kontakt med e-posttjeneren. Ingenting er sendt. Prøv igjen senere.",
        "Vi fekk ikkje kontakt med e-posttenaren. Ingenting er sendt. Prøv igjen seinare.",
        "We could not reach the mail server. Nothing was sent. Try again later.",
    ),
    "mail-doubtful": (
        "Forbindelsen ble brutt mens e-posten ble sendt. Vi vet ikke om den kom fram.",
        "Sambandet vart brote medan e-posten vart send. Vi veit ikkje om han kom fram.",
        "The connection broke while the mail was being sent. We do not know whether it arrived.",
    ),
    "account.name": (
        "Brukernavnet må ha 2–40 små bokstaver, tall, punktum eller bindestrek.",
        "Brukarnamnet må ha 2–40 små bokstavar, tal, punktum eller bindestrek.",
        "The user name takes 2–40 lower-case letters, digits, full stops or hyphens.",
    ),
    "account.taken": (
        "Brukernavnet er i bruk. Velg et annet.",
        "Brukarnamnet er i bruk. Vel eit anna.",
        "The user name is taken. Choose another.",
    ),
    "account.password": (
        "Passordet må ha minst 12 tegn og kan ikke være brukernavnet.",
        "Passordet må ha minst 12 teikn og kan ikkje vere brukarnamnet.",
        "The password needs at least 12 characters and cannot be the user name.",
    ),
    "account.old-password": (
        "Passordet du har nå, er ikke det du skrev. Passordet er ikke byttet.",
        "Passordet du har no, er ikkje det du skreiv. Passordet er ikkje bytt.",
        "The password you have now is not the one you wrote. It was not changed.",
    ),
    "account.last-administrator": (
        "Dette er den siste administratoren. Gi en annen den rollen først.",
        "Dette er den siste administratoren. Gi ein annan den rolla først.",
        "This is the last administrator. Give another account that role first.",
    ),
    "lease-lost": (
        "Jobben er overtatt av en annen arbeider eller avbrutt. Ingenting er tapt.",
        "Jobben er teken over av ein annan arbeidar eller avbroten. Ingenting er tapt.",
        "Another worker has taken the job, or it was cancelled. Nothing is lost.",
    ),
    "job-attempts": (
        "Innlesingen stoppet flere ganger uten å bli ferdig. Se loggen, og prøv igjen.",
        "Innlesinga stoppa fleire gonger utan å bli ferdig. Sjå loggen, og prøv igjen.",
        "Reading the file stopped several times without an end. See the log and retry.",
    ),
    "internal": (
        "Noe uventet gikk galt under innlesingen. Årsaken står i loggen. Prøv igjen.",
        "Noko uventa gjekk gale under innlesinga. Årsaka står i loggen. Prøv igjen.",
        "Something unexpected went wrong while reading the file. The log has the cause. Retry.",
    ),
    "unreadable-report.empty": (
        "Filen er tom. Hent rapporten på nytt, og prøv igjen.",
        "Fila er tom. Hent rapporten på nytt, og prøv igjen.",
        "The file is empty. Fetch the report again and retry.",
    ),
    "unreadable-report.not-a-report": (
        "Filen er verken en PDF eller ren tekst. Lagre rapporten som PDF, og prøv igjen.",
        "Fila er verken ein PDF eller rein tekst. Lagre rapporten som PDF, og prøv igjen.",
        "The file is neither a PDF nor plain text. Save the report as PDF and try again.",
    ),
    "unreadable-report.encrypted": (
        "PDF-en er låst med passord. Lagre en kopi uten passord, og prøv igjen.",
        "PDF-en er låst med passord. Lagre ein kopi utan passord, og prøv igjen.",
        "The PDF is locked with a password. Save a copy without it and try again.",
    ),
    "unreadable-report.damaged": (
        "PDF-en er skadet og kan ikke leses. Hent den på nytt fra kilden, og prøv igjen.",
        "PDF-en er skadd og kan ikkje lesast. Hent han på nytt frå kjelda, og prøv igjen.",
        "The PDF is damaged and cannot be read. Fetch it again from its source and retry.",
    ),
    "unreadable-report.needs-ocr": (
        "PDF-en er skannet og mangler tekst. Les den inn på nytt med tekstgjenkjenning (OCR).",
        "PDF-en er skanna og manglar tekst. Les han inn på nytt med tekstattkjenning (OCR).",
        "The PDF is scanned and has no text. Read it again with text recognition (OCR).",
    ),
    "unreadable-report.ocr-failed": (
        "Tekstgjenkjenningen (OCR) fant ingen lesbar tekst i PDF-en. Skann den på nytt, skarpere.",
        "Tekstattkjenninga (OCR) fann ingen lesbar tekst i PDF-en. Skann han på nytt, skarpare.",
        "Text recognition (OCR) found no readable text in the PDF. Scan it again, more sharply.",
    ),
    "unreadable-plan.empty": (
        "Vi fant ingen tekst i planen. Sjekk filen, eller lim inn teksten i stedet.",
        "Vi fann ingen tekst i planen. Sjekk fila, eller lim inn teksten i staden.",
        "We found no text in the plan. Check the file, or paste the text instead.",
    ),
    "unreadable-plan.foreign": (
        "Vi leser PDF, Word (.docx) og ren tekst. Lagre planen som en av dem, og prøv igjen.",
        "Vi les PDF, Word (.docx) og rein tekst. Lagre planen som ein av dei, og prøv igjen.",
        "We read PDF, Word (.docx) and plain text. Save the plan as one of them and try again.",
    ),
    "unreadable-plan.encrypted": (
        "Filen er låst med passord. Lagre en kopi uten passord, eller lim inn teksten.",
        "Fila er låst med passord. Lagre ein kopi utan passord, eller lim inn teksten.",
        "The file is locked with a password. Save a copy without it, or paste the text.",
    ),
    "unreadable-plan.damaged": (
        "Filen er skadet og kan ikke leses. Lagre den på nytt, eller lim inn teksten.",
        "Fila er skadd og kan ikkje lesast. Lagre henne på nytt, eller lim inn teksten.",
        "The file is damaged and cannot be read. Save it again, or paste the text.",
    ),
    "unreadable-plan.needs-ocr": (
        "PDF-en er skannet, uten tekst. Bruk filen planen ble skrevet i, eller lim inn teksten.",
        "PDF-en er skanna, utan tekst. Bruk fila planen vart skriven i, eller lim inn teksten.",
        "The PDF is scanned and has no text. Use the file it was written in, or paste the text.",
    ),
    "unreadable-plan.too-large": (
        "Filen er større enn det vi tar imot. Lim inn teksten, eller del filen opp.",
        "Fila er større enn det vi tek imot. Lim inn teksten, eller del fila opp.",
        "The file is larger than we accept. Paste the text, or split the file.",
    ),
    "unreadable-plan.too-long": (
        "Planen er lengre enn omtrent 80 sider. Del den opp, og sjekk ett kapittel om gangen.",
        "Planen er lengre enn om lag 80 sider. Del han opp, og sjekk eitt kapittel om gongen.",
        "The plan is longer than about 80 pages. Split it, and check one chapter at a time.",
    ),
    "unreadable-plan.limit": (
        "Filen krever mer tid eller minne enn vi tillater. Lim inn teksten i stedet.",
        "Fila krev meir tid eller minne enn vi tillèt. Lim inn teksten i staden.",
        "The file needs more time or memory than we allow. Paste the text instead.",
    ),
    "plan-busy": (
        "Mange sjekker planer akkurat nå. Vent et halvt minutt, og prøv igjen.",
        "Mange sjekkar planar akkurat no. Vent eit halvt minutt, og prøv igjen.",
        "Many plans are being checked right now. Wait half a minute and try again.",
    ),
    "ocr-unavailable": (
        (
            "Tekstgjenkjenning (OCR) er ikke installert her. Be drift installere Debian-pakkene "
            "ocrmypdf og tesseract-ocr-nor."
        ),
        (
            "Tekstattkjenning (OCR) er ikkje installert her. Be drift installere Debian-pakkane "
            "ocrmypdf og tesseract-ocr-nor."
        ),
        (
            "Text recognition (OCR) is not installed here. Ask operations to install the Debian "
            "packages ocrmypdf and tesseract-ocr-nor."
        ),
    ),
    "unreadable-report.too-large": (
        "Filen er større enn det vi tar imot. Del den opp, eller be drift heve grensen.",
        "Fila er større enn det vi tek imot. Del henne opp, eller be drift heve grensa.",
        "The file is larger than we accept. Split it, or ask operations to raise the limit.",
    ),
    "unreadable-report.limit": (
        "Filen krever mer tid eller minne enn vi tillater, og ble stoppet.",
        "Fila krev meir tid eller minne enn vi tillèt, og vart stoppa.",
        "The file needs more time or memory than we allow, and was stopped.",
    ),
    "unreadable-report.missing": (
        "Filen finnes ikke eller kan ikke åpnes. Sjekk navnet og tilgangen.",
        "Fila finst ikkje eller kan ikkje opnast. Sjekk namnet og tilgangen.",
        "The file does not exist or cannot be opened. Check its name and permissions.",
    ),
    "store-damaged": (
        "Databasen eller en lagret fil er skadet. Hent tilbake siste sikkerhetskopi.",
        "Databasen eller ei lagra fil er skadd. Hent tilbake siste tryggingskopi.",
        "The database or a stored file is damaged. Restore the latest backup.",
    ),
    "store-unavailable": (
        "Datamappen kan ikke åpnes eller skrives til. Sjekk KB_HOME, tilgang og diskplass.",
        "Datamappa kan ikkje opnast eller skrivast til. Sjekk KB_HOME, tilgang og diskplass.",
        "The data folder cannot be opened or written. Check KB_HOME, permissions and disk space.",
    ),
    "stale-index": (
        "Søkegrunnlaget er laget med en annen språkmodell. Kjør «kb reindex».",
        "Søkjegrunnlaget er laga med ein annan språkmodell. Køyr «kb reindex».",
        "The search base was made with another language model. Run “kb reindex”.",
    ),
    "model-unavailable": (
        "Språkmodellen kan ikke lastes. Se loggen for årsaken.",
        "Språkmodellen kan ikkje lastast. Sjå loggen for årsaka.",
        "The language model cannot be loaded. See the log for the cause.",
    ),
    "config": (
        "En innstilling eller en fil den viser til er feil. Årsaken står under.",
        "Ei innstilling eller ei fil ho viser til er feil. Årsaka står under.",
        "A setting, or a file it names, is wrong. The cause stands below.",
    ),
    "taxonomy": (
        "Temalisten er feil og må rettes før programmet kan starte.",
        "Temalista er feil og må rettast før programmet kan starte.",
        "The list of themes is wrong and must be mended before the program can start.",
    ),
    "process": (
        "Beskrivelsen av prosessen er feil og må rettes før programmet kan starte.",
        "Skildringa av prosessen er feil og må rettast før programmet kan starte.",
        "The description of the process is wrong and must be mended before the program can start.",
    ),
}
LINT: dict[LintCode, tuple[str, str, str]] = {
    LintCode.NO_CONTEXT: (
        (
            "Lærdommen peker tilbake på noe som ikke står her. Ta med setningen foran, eller skriv "
            "hvem eller hva det gjelder."
        ),
        (
            "Lærdomen viser tilbake til noko som ikkje står her. Ta med setninga framfor, eller "
            "skriv kven eller kva det gjeld."
        ),
        (
            "The lesson points back to something that is not here. Include the sentence before it, "
            "or write who or what it is about."
        ),
    ),
    LintCode.NOT_TRANSFERABLE: (
        "Lærdommen består mest av lokale navn eller tall. Skriv hva et annet program kan bruke.",
        "Lærdomen er mest lokale namn eller tal. Skriv kva eit anna program kan bruke.",
        "The lesson is mostly local names or figures. Write what another programme can use.",
    ),
    LintCode.NO_ADVICE: (
        "Det går ikke fram hva som virket, hva som gikk galt eller hva andre bør gjøre.",
        "Det går ikkje fram kva som verka, kva som gjekk gale eller kva andre bør gjere.",
        "It does not say what worked, what went wrong or what others should do.",
    ),
    LintCode.PLATITUDE: (
        "Dette er ros uten innhold. Skriv hva som var bra, og hvorfor, eller avvis forslaget.",
        "Dette er ros utan innhald. Skriv kva som var bra, og kvifor, eller avvis forslaget.",
        "This is praise without content. Write what was good and why, or reject the proposal.",
    ),
    LintCode.PERSON_NAME: (
        "Dette ligner et personnavn. Skriv om, så navnet ikke står i lærdommen.",
        "Dette liknar eit personnamn. Skriv om, så namnet ikkje står i lærdomen.",
        "This looks like a person's name. Rewrite so that the name is not in the lesson.",
    ),
    LintCode.TOO_LONG: (
        "Lærdommen er lang. Del den opp, eller velg setningen som sier det viktigste.",
        "Lærdomen er lang. Del han opp, eller vel setninga som seier det viktigaste.",
        "The lesson is long. Split it, or choose the sentence that says the main thing.",
    ),
    LintCode.TOO_SHORT: (
        "Lærdommen er for kort til å forstås alene. Ta med mer av sitatet.",
        "Lærdomen er for kort til å bli forstått åleine. Ta med meir av sitatet.",
        "The lesson is too short to be understood alone. Include more of the quote.",
    ),
    LintCode.FRAGMENT: (
        "Lærdommen er ikke en hel setning. Velg en annen setning, eller skriv den om.",
        "Lærdommen er ikkje ei heil setning. Vel ei anna setning, eller skriv ho om.",
        "The lesson is not a whole sentence. Choose another one, or rewrite it.",
    ),
}
"""What staff read for each finding of :mod:`kb.lint`."""

_LANGUAGES = {"nb": 0, "nn": 1, "en": 2}


def sentence(error: KbError, language: str = "nb") -> str:
    """Return what the user reads for ``error``; an unknown language falls back to bokmål."""
    return SENTENCES[error.reason_code][_LANGUAGES.get(language, 0)]


def lint_sentence(code: LintCode, language: str = "nb") -> str:
    """Return what staff read for a finding; an unknown language falls back to bokmål."""
    return LINT[code][_LANGUAGES.get(language, 0)]

//! Words to make plausible texts of, by topic, in English and Hebrew.

use super::draw::Draw;

/// A topic's words in one language.
type Words = [&'static str; 12];

/// A subject that rows are about. Rows with vectors of one topic are near each other.
const TOPICS: [(Words, Words); 8] = [
    (
        [
            "energy",
            "heat",
            "entropy",
            "engine",
            "pressure",
            "temperature",
            "cycle",
            "work",
            "gas",
            "law",
            "equilibrium",
            "motion",
        ],
        [
            "אנרגיה",
            "חום",
            "אנטרופיה",
            "מנוע",
            "לחץ",
            "טמפרטורה",
            "מחזור",
            "עבודה",
            "גז",
            "חוק",
            "שיווי",
            "תנועה",
        ],
    ),
    (
        [
            "cell",
            "gene",
            "protein",
            "membrane",
            "enzyme",
            "tissue",
            "species",
            "evolution",
            "organism",
            "virus",
            "plant",
            "water",
        ],
        [
            "תא",
            "גן",
            "חלבון",
            "קרום",
            "אנזים",
            "רקמה",
            "מין",
            "אבולוציה",
            "אורגניזם",
            "נגיף",
            "צמח",
            "מים",
        ],
    ),
    (
        [
            "number", "proof", "function", "vector", "matrix", "limit", "graph", "set", "angle",
            "prime", "curve", "sum",
        ],
        [
            "מספר",
            "הוכחה",
            "פונקציה",
            "וקטור",
            "מטריצה",
            "גבול",
            "גרף",
            "קבוצה",
            "זווית",
            "ראשוני",
            "עקומה",
            "סכום",
        ],
    ),
    (
        [
            "empire",
            "treaty",
            "revolution",
            "trade",
            "city",
            "archive",
            "king",
            "war",
            "border",
            "people",
            "law",
            "memory",
        ],
        [
            "אימפריה",
            "הסכם",
            "מהפכה",
            "סחר",
            "עיר",
            "ארכיון",
            "מלך",
            "מלחמה",
            "גבול",
            "עם",
            "דין",
            "זיכרון",
        ],
    ),
    (
        [
            "verse", "meaning", "word", "grammar", "story", "reader", "author", "letter", "voice",
            "metaphor", "text", "language",
        ],
        [
            "פסוק",
            "משמעות",
            "מילה",
            "דקדוק",
            "סיפור",
            "קורא",
            "מחבר",
            "אות",
            "קול",
            "מטפורה",
            "טקסט",
            "שפה",
        ],
    ),
    (
        [
            "program", "memory", "query", "index", "network", "thread", "server", "message",
            "protocol", "cache", "type", "error",
        ],
        [
            "תוכנית",
            "זיכרון",
            "שאילתה",
            "מפתח",
            "רשת",
            "תהליך",
            "שרת",
            "הודעה",
            "פרוטוקול",
            "מטמון",
            "טיפוס",
            "שגיאה",
        ],
    ),
    (
        [
            "market", "price", "value", "labour", "capital", "risk", "bank", "tax", "growth",
            "demand", "supply", "debt",
        ],
        [
            "שוק",
            "מחיר",
            "ערך",
            "עמל",
            "הון",
            "סיכון",
            "בנק",
            "מס",
            "צמיחה",
            "ביקוש",
            "היצע",
            "חוב",
        ],
    ),
    (
        [
            "question", "answer", "argument", "reason", "truth", "doubt", "method", "example",
            "study", "partner", "debate", "idea",
        ],
        [
            "שאלה",
            "תשובה",
            "טיעון",
            "סיבה",
            "אמת",
            "ספק",
            "שיטה",
            "דוגמה",
            "לימוד",
            "חברותא",
            "ויכוח",
            "רעיון",
        ],
    ),
];

const FIRST: [(&str, &str); 12] = [
    ("Noa", "נועה"),
    ("David", "דוד"),
    ("Maya", "מאיה"),
    ("Yosef", "יוסף"),
    ("Tamar", "תמר"),
    ("Adam", "אדם"),
    ("Leah", "לאה"),
    ("Daniel", "דניאל"),
    ("Sara", "שרה"),
    ("Omer", "עומר"),
    ("Ruth", "רות"),
    ("Eitan", "איתן"),
];

const LAST: [(&str, &str); 10] = [
    ("Levi", "לוי"),
    ("Cohen", "כהן"),
    ("Mizrahi", "מזרחי"),
    ("Stone", "אבן"),
    ("Berg", "ברג"),
    ("Haddad", "חדד"),
    ("Shapiro", "שפירא"),
    ("Katz", "כץ"),
    ("Green", "ירוק"),
    ("Peretz", "פרץ"),
];

/// How many topics there are.
pub const TOPIC_COUNT: u64 = TOPICS.len() as u64;

/// A language that texts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Hebrew.
    Hebrew,
}

impl Language {
    /// The language of a code, if there are words of it.
    pub fn of(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "he" => Some(Self::Hebrew),
            _ => None,
        }
    }

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hebrew => "he",
        }
    }
}

fn word(draw: &mut Draw, topic: u64, language: Language) -> &'static str {
    let at = usize::try_from(topic % TOPIC_COUNT).unwrap_or(0);
    let words = match language {
        Language::English => &TOPICS[at].0,
        Language::Hebrew => &TOPICS[at].1,
    };
    draw.of(words).copied().unwrap_or("")
}

/// So many words of a topic, with a space between.
pub fn words(draw: &mut Draw, topic: u64, language: Language, count: u64) -> String {
    let mut text = String::new();
    for at in 0..count {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(word(draw, topic, language));
    }
    text
}

/// A short text that begins like a title.
pub fn title(draw: &mut Draw, topic: u64, language: Language) -> String {
    let count = 2 + draw.below(3);
    capital(&words(draw, topic, language, count))
}

/// One to four sentences.
pub fn sentences(draw: &mut Draw, topic: u64, language: Language) -> String {
    let mut text = String::new();
    for at in 0..=draw.below(4) {
        if at > 0 {
            text.push(' ');
        }
        let count = 5 + draw.below(9);
        text.push_str(&capital(&words(draw, topic, language, count)));
        text.push('.');
    }
    text
}

/// A person's name.
pub fn person(draw: &mut Draw, language: Language) -> String {
    let (first, last) = (
        draw.of(&FIRST).copied().unwrap_or(("", "")),
        draw.of(&LAST).copied().unwrap_or(("", "")),
    );
    match language {
        Language::English => format!("{} {}", first.0, last.0),
        Language::Hebrew => format!("{} {}", first.1, last.1),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}", first.to_ascii_uppercase(), chars.as_str()),
        None => String::new(),
    }
}

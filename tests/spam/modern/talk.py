# ruff: noqa: E501  (made-up mail reads better in whole lines)
"""What people write to each other, in a dozen languages: sentences of everyday mail."""

__all__ = ["DAILY"]

DAILY = {
    "en": (
        "Thanks for the slides, they are very clear.|Can we move the meeting to Thursday at ten?|I will bring the cake on Sunday.|"
        "The train is late, please start without me.|Here are the notes from yesterday's call.|Could you look at the second "
        "chapter when you have time?|The kids loved the museum.|I fixed the failing test and pushed the branch.|Let me know which "
        "hotel you prefer.|The landlord agreed to repair the heating next week.|See you at the station then.|Mum says hello."
    ),
    "de": (
        "Danke für die Unterlagen, ich sehe sie mir heute Abend an.|Können wir den Termin auf Donnerstag verschieben?|Der Zug hat "
        "Verspätung, fangt bitte ohne mich an.|Anbei das Protokoll der letzten Sitzung.|Die Kinder freuen sich schon auf das "
        "Wochenende.|Ich habe den Fehler gefunden, es lag an der alten Version.|Wollen wir am Samstag wandern gehen?|Liebe Grüße "
        "auch von Oma.|Der Handwerker kommt am Montag wegen der Heizung.|Kannst du noch Brot mitbringen?"
    ),
    "fr": (
        "Merci pour les photos, elles sont magnifiques.|Est-ce que jeudi à dix heures te convient ?|Le compte rendu de la réunion "
        "est en pièce jointe.|Je prends le train de huit heures, à tout à l'heure.|Les enfants ont adoré la plage.|Peux-tu relire le "
        "deuxième chapitre ?|On se retrouve devant le cinéma.|Le plombier passe lundi matin.|Bises à toute la famille."
    ),
    "es": (
        "Gracias por las fotos, salieron muy bien.|¿Podemos mover la reunión al jueves?|Te mando el acta de ayer.|Llego en el tren de "
        "las ocho.|Los niños lo pasaron genial en la playa.|¿Puedes revisar el segundo capítulo?|Nos vemos en la estación.|Un abrazo "
        "para todos."
    ),
    "ru": (
        "Спасибо за фотографии, очень понравились.|Можно перенести встречу на четверг?|Отправляю протокол вчерашнего совещания.|Поезд "
        "опаздывает, начинайте без меня.|Дети в восторге от музея.|Посмотри, пожалуйста, вторую главу, когда будет время.|Увидимся "
        "на вокзале.|Бабушка передаёт привет.|Я нашёл ошибку, дело было в старой версии."
    ),
    "zh": (
        "谢谢你发来的照片,拍得真好。|我们可以把会议改到星期四吗?|附件是昨天会议的记录。|火车晚点了,你们先开始吧。|孩子们很喜欢那个博物馆。|有空的时候请看一下第二章。|"
        "车站见。|奶奶让我向你问好。|我找到问题了,是旧版本的原因。"
    ),
    "ja": (
        "写真をありがとうございます、とてもきれいでした。|会議を木曜日に変更できますか。|昨日の議事録を添付します。|電車が遅れているので、先に始めてください。|子どもたちは博物館を"
        "とても楽しんでいました。|お時間のあるときに第二章を見てください。|では駅で会いましょう。|よろしくお願いいたします。"
    ),
    "th": (
        "ขอบคุณสำหรับรูปภาพ สวยมากเลย|เราเลื่อนประชุมไปวันพฤหัสบดีได้ไหม|ส่งรายงานการประชุมเมื่อวานมาให้แล้ว|รถไฟมาช้า เริ่มก่อนได้เลย|เด็กๆชอบพิพิธภัณฑ์มาก|"
        "ช่วยดูบทที่สองให้หน่อยเมื่อมีเวลา|เจอกันที่สถานี|คุณยายฝากความคิดถึง"
    ),
    "ar": (
        "شكرا على الصور، إنها جميلة جدا.|هل يمكننا نقل الاجتماع إلى يوم الخميس؟|أرفق لك محضر اجتماع الأمس.|القطار متأخر، ابدؤوا من دوني.|"
        "أحب الأطفال المتحف كثيرا.|أراك في المحطة.|جدتي تسلم عليك."
    ),
    "ko": (
        "사진 고마워요, 정말 잘 나왔네요.|회의를 목요일로 옮길 수 있을까요?|어제 회의록을 첨부합니다.|기차가 늦어요, 먼저 시작하세요.|아이들이 박물관을 아주 좋아했어요.|시간 날 때 2장을 "
        "봐 주세요.|역에서 만나요."
    ),
    "it": (
        "Grazie per le foto, sono bellissime.|Possiamo spostare la riunione a giovedì?|Ti mando il verbale di ieri.|Il treno è in ritardo, "
        "cominciate senza di me.|Ai bambini è piaciuto molto il museo.|Ci vediamo alla stazione.|Un abbraccio a tutti."
    ),
    "tr": (
        "Fotoğraflar için teşekkürler, çok güzel çıkmış.|Toplantıyı perşembeye alabilir miyiz?|Dünkü toplantının notları ekte.|Tren gecikti, "
        "siz başlayın.|Çocuklar müzeyi çok sevdi.|İstasyonda görüşürüz.|Herkese selamlar."
    ),
}
"""Language -> sentences, with a bar between."""

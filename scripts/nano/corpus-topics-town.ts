// More topics, in the notation of corpus-topics-home.ts.

export const TOWN_TOPICS = `
== railway: Valley Rail, Northern Line Trains, Coast Express
ticket / fare > ask about a ticket
- Which ticket do I need from {city} to {city}?
- Is it cheaper if we are {n}?
- The machine in {city} took my money and gave no ticket.
- I bought a ticket for {day} but want to go on {day}.
train delay / late train > complain about a late train
- The {time} to {city} was {n} minutes late again.
- I missed the last bus because the train stood in a field.
- Will the trains run during the storm?
- Why is the {time} always full and late?
season ticket / pass > get a season ticket
- I want a pass for {month}.
- The photo on my pass is of somebody else.
- Can {person} use my pass at the weekend?
- What is a yearly pass from {city}?
station / lift > report something at the station
- The lift in {city} is out of order, I have a pram.
- It is dark under the bridge of the station.
- The clock on platform {n} shows the wrong time.
- There is nowhere to sit in {city}.
bicycle / bike space > take a bicycle along
- Can I bring a bike on the {time}?
- The bike space was full of suitcases.
- Do I have to book for {n} bicycles?
- May a tandem travel on the train?

== restaurant: Blue Plate, Trattoria Lena, The Copper Pot
table / booking > book a table
- A table for {n} on {day} at {time}, please.
- We will be {n} instead of {n}.
- Can we sit outside with a dog?
- Nobody knew of our booking when we came.
allergy / diet > ask about ingredients
- Is there [nut|milk|egg|soy] in the {dish}?
- Do you cook without gluten?
- {person} cannot eat [fish|cheese|wheat], what do you suggest?
- I was ill after the {dish}.
takeaway / collection > order food to take away
- Can I pick up {n} portions of {dish} at {time}?
- The {dish} was cold and the bag was wet.
- You forgot the sauce and one {dish}.
- Do you bring food to {city}?
gift voucher / voucher > get a voucher
- I would like a voucher of {amount} for {person}.
- How long is the voucher good?
- The voucher was lost in the post.
- May I use two vouchers in one evening?
party / event > plan a party
- We would like to hold a [birthday|wedding|farewell] for {n}.
- Can you offer a menu for a party of {n}?
- Is there a room where we can be loud?
- May we bring our own cake?

== car hire: Swift Wheels, Roadster Hire, Green Mile Cars
damage / scratch > settle a damage
- You ask {amount} for a scratch that was there before.
- I hit a post and the mirror hangs down.
- A stone cracked the glass on the way to {city}.
- The photos show the bump at the pick up.
fuel / petrol > ask about fuel
- The tank was half empty when I got the car.
- Do I have to fill it up before I bring it?
- You took {amount} for fuel, I have the slip.
- Which petrol does the {colour} one need?
driver / licence > add a driver
- Can {person} drive as well?
- My licence is from another country, is that fine?
- I am {n} years old, do I pay more?
- I forgot my licence at home.
child seat / extras > get a child seat
- We need a seat for a child of {n}.
- The child seat was dirty and had no belt.
- Is a roof box possible?
- Do your cars have snow chains?
breakdown / stranded > get help on the road
- The car stopped between {city} and {city}.
- A {colour} lamp is on and it smells.
- We have a flat tyre and no spare.
- Who do I call when the car does not start?

== insurance: Oakleaf Insurance, Safe Harbour, Beacon Mutual
claim / damage report > report a damage
- A pipe burst and the carpet is ruined.
- Hail broke the roof of the shed.
- {person} dropped a stone on the neighbour's car.
- My bike was stolen in {city}.
premium / contribution > ask about the premium
- Why do I pay {amount} more this year?
- I drive less now, does it get cheaper?
- Can I pay every three months?
- You took the premium from the old account.
cover / policy > ask what is covered
- Am I covered when I help a friend move?
- Does it pay if the wine falls on the sofa?
- What if I leave the window open?
- Does it hold in {city} too?
documents / proof > get a document
- I need the proof for the car office.
- Please post me the policy again.
- The paper has the wrong birth date.
- The green card for our trip has not come.
new address / moving > tell a new address
- We live in {city} now.
- Please note the new street, number {n}.
- The flat is bigger now, do you need to know?
- Your letters go to my old house.

== school: Hillside School, Saint Mary School, Lakeview Academy
absence / sick child > report a sick child
- {person} has a fever and stays at home.
- We are late, the bus did not come.
- My son has to go to the dentist on {day}.
- Please excuse {name} for {day}.
homework / grades > ask about homework
- Which pages are for {day}?
- {name} did not understand the sums.
- Why is it only a {n} in spelling?
- Can the work be handed in later?
lunch / canteen > ask about lunch
- {person} does not eat pork.
- The lunch card is empty.
- Was there fish today?
- Please no sweets after lunch.
trip / excursion > ask about a trip
- What should {name} take on the trip to {city}?
- Where do I pay the {amount} for the trip?
- When is the bus back?
- {person} gets sick in coaches.
enrolment / new pupil > enrol a child
- We move to {city} and look for a place.
- Until when can we enrol {person}?
- Is there an open day?
- Which papers do you want for the first class?

== garage: Miller Motors, Corner Garage, Autohaus Brandt
service / inspection > book an inspection
- The yearly inspection is due, is {day} free?
- Could you change the oil and look at the lights?
- How long do you need the car?
- The little book says service after {n} thousand.
brakes / noise > have the brakes looked at
- It screams when I brake.
- The pedal goes down to the floor.
- Something scrapes at the left wheel.
- It pulls to one side on the motorway.
tyres / wheels > change the tyres
- Time for winter tyres, when can I come?
- One tyre loses air every week.
- Do you keep the summer wheels for us?
- Which tyres suit a small {colour} van?
estimate / quote > get an estimate
- What would a new exhaust cost?
- You said {amount} and now it is more.
- Please write down the price for my insurance.
- Is it worth mending such an old car?
pick up / ready car > pick up the car
- Is my car ready?
- Can {person} fetch the car?
- I will be there after six, who has the key?
- You promised it for {day}.

== streaming service: Cinemilo, Playbox, Owl Stream
picture / buffering > fix the picture
- The film stops every minute to load.
- I see only green stripes on the television.
- The picture is ahead of the sound.
- Half of the screen is black in the big room.
subtitles / language > change the language
- How do I turn off the subtitles?
- There is no {language} for this series.
- The subtitles are ten seconds late.
- My mother needs larger letters.
missing title / catalogue > find a film
- Where did the series about the {animal} go?
- Will there be another season?
- My list is empty all of a sudden.
- You showed it in {city} but not here.
profiles / family > change a profile
- {person} sees films that are not for children.
- Can I move a profile to another house?
- Somebody watches in my name.
- How do I lock my profile with a number?
television / device > watch on the television
- The app is not on my old set.
- How do I get the film from the phone to the screen?
- The remote does nothing in your menu.
- It says too many screens.

== newspaper: Morning Post, The Evening Star, Weekly Herald
missing paper / no paper > report a missing paper
- There was no paper in the box on {day}.
- The paper came wet and torn again.
- It arrives after I leave for work.
- My neighbour gets mine and I get nothing.
holiday stop / redirect > stop the paper over a holiday
- We are away from {day}, please stop the paper.
- Send it to {city} for {n} weeks.
- Give my copy to the school while we are gone.
- We are back, please start again.
letter / opinion > print a letter
- I disagree with what {name} wrote about the bridge.
- Why do you never write about our village?
- The article on page {n} was a joy to read.
- Your numbers about {city} are wrong.
advert / notice > place an advert
- I want to sell a {colour} {thing}, what does a line cost?
- Please print that {name} and {name} marry.
- The telephone number in my advert is wrong.
- Until when can I send it for {day}?
crossword / puzzle > ask about the puzzle
- Seven down cannot be right.
- I found all the words, where do I send them?
- Where is the solution of {day}?
- The boxes are too small for old eyes.

== pharmacy: Rose Pharmacy, Sun Chemist, Green Cross
side effect / reaction > ask about a side effect
- I have a rash since I take the {colour} ones.
- May I drink wine with it?
- My stomach hurts after the second pill.
- {person} is sleepy all day from the drops.
stock / availability > ask whether it is there
- Do you have the ointment for {person}?
- When does the syrup come in?
- Is there the same thing from another maker?
- I need {n} boxes, how long does it take?
dose / how to take > ask how to take a medicine
- Before or after the meal?
- I forgot one, do I take two now?
- How many drops for a child of {n}?
- Can I break the tablet in two?
night service / open now > find an open pharmacy
- Who is open tonight near {city}?
- Do you have a bell for the night?
- Are you there on {day}?
- It is urgent, the shop is dark.
blood pressure / check > have something checked
- Can you measure my blood pressure?
- My device shows other numbers than the doctor's.
- Do you test sugar too?
- What is a good value at {n}?
`

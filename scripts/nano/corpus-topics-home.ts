// Topics of everyday services, in the notation that corpus-topics.ts reads: "== trade: companies", then
// "label / other label > what the customer wants", then phrases for `expand`. None of them is of the sample desk.

export const HOME_TOPICS = `
== bank: Northgate Bank, Penny Bank, Harbour Savings
lost card / card lost > block a lost card
- I [lost|misplaced|cannot find] my [card|debit card|bank card] [in {city}|on the bus|since {day}].
- Someone stole [my wallet|my purse|my bag] [at the station|in {city}|yesterday] and the card was inside.
- [Block|Freeze|Lock] my card right away, it is gone.
- My card was swallowed by the machine [at the station|in {city}|near the market].
transfer / money transfer > find a transfer
- I sent {amount} to {person} [on {day}|last week] and it has not [arrived|shown up].
- The transfer to {city} is still [open|waiting|not booked].
- I put in the wrong number and the money went to [a stranger|another bank].
- How long does it take to send {amount} to [another country|{city}]?
loan / mortgage > ask about a loan
- We would like to borrow {amount} for [a house|a car|a new kitchen].
- What interest do you ask on a loan over {n} years?
- Can I pay my mortgage down [early|faster|by {amount} now]?
- I need a bigger loan because [the builder asks more|the house costs more].
opening hours / branch > learn the opening hours
- When does your branch in {city} [open|close] on {day}?
- Is the branch [near the church|at the station|in {city}] still there?
- Do I need an appointment at the counter in {city}?
- Are you open [on Saturday|during the holidays|at lunch time]?
savings / interest > open a savings account
- What do I get on [savings|a savings book|a fixed deposit] of {amount}?
- I want to put money aside for {person}.
- The interest on my savings is [lower than|not what] you told me.
- How do I open a savings account for [a child|{person}]?

== airline: Skylark Air, Blue Heron Airways, Meridian Flights
baggage / lost luggage > find a suitcase
- My [suitcase|bag|luggage|backpack] did not come out in {city}.
- The wheels of my {colour} suitcase were broken off on the flight to {city}.
- How many [bags|kilos] may I bring on the flight to {city}?
- I left my [jacket|book|tablet|glasses] in the plane from {city}.
seat / seating > change a seat
- Can we sit together, we are {n} and booked apart?
- I need a seat [with leg room|near the front|at the window] to {city}.
- You moved me from {n}A to the last row.
- I paid for a seat and got another one.
delay / late flight > ask about a late flight
- The flight to {city} left {n} hours late and I missed [my train|the wedding|the next plane].
- What do I get for a delay of {n} hours?
- Is the flight to {city} on {day} on time?
- They kept us on the runway for {n} hours.
booking change / rebooking > move a flight
- I have to [fly|travel] on {day} instead of {day}.
- Please change the name on the ticket, it should be {name}.
- Can I take an earlier plane to {city}?
- I booked the wrong month for {city}, can it be moved?
check in / boarding pass > get a boarding pass
- I cannot check in, the page says [ticket not found|try later].
- My boarding pass has the wrong [name|date|gate].
- Where do I print my boarding pass?
- When does online check in open for {city}?

== hotel: Hotel Astoria, Seaview Lodge, The Old Mill Inn
room / reservation > book a room
- Do you have a room for {n} nights from {day}?
- We would like a [double|single|quiet|family] room [in {month}|with a view].
- I booked a [double|single] room and got the other kind.
- Please keep our room, we arrive after midnight.
breakfast / food > ask about breakfast
- Is breakfast included and from what time?
- Can you make breakfast without [milk|nuts|gluten|eggs]?
- The coffee was cold and there was no bread left.
- We leave at five, could we get something to eat before?
noise / complaint > complain about noise
- The people next door sang [until three|all night].
- There was building work under our window [every morning|on {day}].
- We could not sleep, the lift is behind the wall.
- The fan in the bathroom hums the whole night.
lost property / left behind > find something left in the room
- I left my [charger|ring|coat|teddy|phone] in room {n}.
- Did the cleaner find a {colour} [scarf|bag|shirt]?
- We forgot our [passports|keys] in the drawer.
- My daughter's {colour} rabbit is still in your bed.
parking / car park > get a parking space
- Can I leave the car with you for {n} days?
- What does a parking space cost per night?
- Is there a plug for an electric car?
- The garage was full although we had reserved.

== telephone company: Tellus Mobile, Ringdove, Clearline
coverage / reception > get better reception
- I have no bars [at home|in {city}|in the cellar].
- Calls drop [every few minutes|on the train|since the storm].
- Is there a mast planned near {city}?
- In our village only one corner of the garden has signal.
number / porting > keep the old number
- I want to keep my old number when I come to you.
- My number should have been moved on {day}.
- Can I choose a number that is easy to keep in mind?
- How do I bring {person}'s number over to you?
roaming / abroad > use the phone abroad
- What does it cost to phone from {city}?
- I go to {city} for {n} days, does my data work there?
- You took {amount} for a week at the sea.
- How do I stop the phone from using data abroad?
sim card / new sim > get a new sim card
- The phone says no sim card.
- I need a smaller sim for my new phone.
- The sim you posted is not active yet.
- My sim card [broke|got wet|was cut].
slow internet / speed > fix slow internet
- Films stop every few minutes in the evening.
- I pay for {n} and measure a tenth of it.
- The line is so slow that pages take forever.
- Since {day} uploading a photo takes an hour.

== gym: Iron Yard, Club Pulse, Motion House
classes / course > join a class
- Is there still room in the yoga class on {day}?
- I am on the waiting list for [boxing|pilates|spinning], any chance?
- Who teaches the dance course now?
- The class on {day} was cut short again.
membership / joining > join or leave the gym
- I want to become a member, where do I start?
- I moved to {city}, please end my membership.
- Can I freeze my membership, I hurt my knee?
- What does it cost per month for [two|a student|a family]?
lockers / changing room > get help with a locker
- My locker does not open and my clothes are in it.
- Somebody broke into my locker on {day}.
- Can I rent a locker for the year?
- The showers in the changing room are cold.
equipment / machines > report a machine
- The rowing machine squeaks and pulls to the left.
- Two of the bikes have been out of order for weeks.
- Please buy more small weights.
- Someone should oil the treadmill near the door.
trainer / coaching > book a trainer
- I would like a trainer for {n} hours.
- My trainer did not come on {day}.
- Can {name} write me a plan for my back?
- I need somebody who shows me how to lift.

== clinic: Elm Street Clinic, Riverside Practice, Doctor Hale
appointment / visit > make an appointment
- Can I come in on {day} in the morning?
- I have to move my appointment of {day}.
- Is there anything free this week for {person}?
- I waited an hour past my time yesterday.
prescription / medicine > get a prescription
- I need my tablets again, the box is nearly empty.
- The chemist says the prescription is not there.
- Can you send the prescription to the chemist in {city}?
- You wrote down the wrong strength.
test results / lab > get test results
- Are the results of my blood test there?
- I had an x ray on {day} and heard nothing.
- Can I get a copy of {person}'s results?
- What does the high value on page {n} mean?
sick note / certificate > get a sick note
- I need a note for work from {day} to {day}.
- My boss wants a certificate for {n} days.
- Please write that {person} could not go to school.
- The sick note has the wrong date.
vaccination / jab > get a vaccination
- Is {person} due for a jab?
- Which shots do I need for a trip to {city}?
- Where do I find my old vaccination book?
- Do you give flu jabs in {month}?

== library: City Library, Willow Reading Room, Central Library
overdue / fine > settle a fine
- I got a fine for a book that I brought back.
- Can I keep the books {n} more days?
- I was ill and could not bring them in time.
- Why do I owe {amount} for one DVD?
reservation / hold > reserve a book
- Please hold the new book by {name} for me.
- I am number {n} on the list, how long will it take?
- You wrote that a book is ready, which one?
- Can you get a book from the library in {city}?
reading card / library card > get a library card
- What do I need for a library card?
- My card does not open the door of the reading room.
- {person} wants a card too, is that free?
- My card ran out in {month}.
rooms / study room > book a study room
- Can we book a room for {n} people on {day}?
- The study room was taken although it was ours.
- Is there a quiet room with a plug?
- How long may we stay in the group room?
children / story time > ask about story time
- When is story time for small children?
- Do I have to sign up {person} for the reading hour?
- Are there picture books in other languages?
- My son loved the puppet show, is there another?

== council: Town Hall, Borough Office, City Council
rubbish / bins > get the bins emptied
- Nobody emptied the {colour} bin on {day}.
- When do you collect [glass|paper|garden waste]?
- We need a bigger bin, we are {n} people.
- Somebody dumped [a sofa|old tyres|paint] in our lane.
street / road damage > have a street mended
- There is a deep hole in front of number {n}.
- The lamp at the corner has been dark since {month}.
- A branch hangs over the path to the school.
- The water stands on the road after each rain.
passport / identity card > renew a passport
- My passport runs out in {month}, what do I bring?
- Is my new identity card ready?
- Can I get a passport within {n} days?
- How old may the photo for the passport be?
parking permit / resident parking > get a parking permit
- I moved here and need a permit for my street.
- My permit is on the wrong car.
- I got a ticket although the permit was behind the glass.
- How much is a second permit for {person}?
dog / dog tax > register a dog
- We have a new dog and want to register him.
- Our dog died, please stop the tax.
- Where may dogs run free?
- The tag of my dog is lost.

== landlord: Stonebridge Homes, Maple Court, Urban Rooms
heating / cold flat > get the heating mended
- The radiators stay cold [since {day}|in the morning|on the third floor].
- It is {n} degrees in our bedroom.
- The boiler bangs and then goes out.
- There is no warm water after nine.
rent / rent payment > sort out the rent
- My rent was taken two times in {month}.
- Why does the rent go up by {amount}?
- I can only pay on the {n}th, is that all right?
- I sent the rent to the old account.
keys / door > get a key
- I locked myself out, who has a key?
- We need another key for {person}.
- The front door does not close any more.
- My key turns but nothing happens.
damp / mould > have damp looked at
- There is black mould behind the wardrobe.
- Water comes through the ceiling when it rains.
- The wall in the bath is wet and smells.
- The paint falls off around the window.
moving out / notice > give notice
- We leave the flat at the end of {month}.
- When do you look at the flat and pay the deposit?
- Is {name} allowed to take over my flat?
- Do I have to paint before I go?
`
